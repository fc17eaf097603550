import { expect } from 'vitest'
import { groupLoop } from '../../vrrp/group-loop.js'
import { type Segment, sleep, until } from '../linux/namespaces.js'
import { type Instance, ours, PATIENCE, theirs, type Way } from './beside-keepalived.js'
import { addressWatch, keepalived, kernelDirector } from './kernel-director.js'

/** What `npm test` tries of sync groups. */
export const groupWays: readonly Way[] = [
  { version: 3, family: 4, transport: 'multicast', preempt: true },
  { version: 3, family: 4, transport: 'multicast', preempt: false },
  { version: 3, family: 4, transport: 'unicast', preempt: true },
  { version: 3, family: 6, transport: 'multicast', preempt: true },
]

/** What the nights try besides. */
export const moreGroupWays: readonly Way[] = [
  { version: 2, family: 4, transport: 'multicast', preempt: true },
  { version: 2, family: 4, transport: 'unicast', preempt: true },
  { version: 2, family: 4, transport: 'multicast', preempt: false },
  { version: 3, family: 4, transport: 'unicast', preempt: false },
  { version: 3, family: 6, transport: 'unicast', preempt: true },
  { version: 3, family: 6, transport: 'multicast', preempt: false },
  { version: 3, family: 6, transport: 'unicast', preempt: false },
]

function members({ family }: Way, priority: number): readonly Instance[] {
  const start = family === 4 ? '10.9.0.' : 'fd00:9::'
  return [
    { name: 'outer', vrid: 51, vip: `${start}100`, priority },
    { name: 'inner', vrid: 52, vip: `${start}200`, priority },
  ]
}

/**
 * Two routers in a group on both sides, which move as one: ours starts beside a keepalived and pre-empts, one router has a fault and loses it, stops, returns,
 * crashes; is the lesser one, is pre-empted, takes over from a keepalived that stops and from one that crashes. Without pre-emption: neither takes over.
 */
export async function groupBesideKeepalived(net: Segment, way: Way, program?: string): Promise<void> {
  const interval = way.version === 2 ? 1000 : 100
  const down = 3 * interval + (way.version === 2 ? 1000 : interval)
  const a = await addressWatch(net.a)
  const b = await addressWatch(net.b)
  const place = ({ vip }: Instance) => `${a.has(vip) ? 'ours' : ''}${b.has(vip) ? 'theirs' : ''}`
  const places = () => members(way, 0).map(place).join(' ')
  const both = (who: string, limit: number) => until(`both to be ${who}`, () => places() === `${who} ${who}`, limit)
  const closing: { close(): void | Promise<void> }[] = [a, b]
  const stories: (() => string)[] = [places]

  function start(priority: number) {
    const group = `vrrp_sync_group pair {\n  group {\n    outer\n    inner\n  }\n}\n`
    const config = members(way, priority).map(one => theirs(way, one))
    const other = keepalived(net.b, group + config.join(''), program)
    closing.push(other)
    stories.push(other.log)
    return other
  }

  async function startOurs(priority: number) {
    const group = groupLoop('pair')
    const directors: Awaited<ReturnType<typeof kernelDirector>>[] = []
    for (const one of members(way, priority)) {
      const router = { ...ours(way, one), syncGroup: 'pair' }
      const director = await kernelDirector(net.a, router, {}, note => group.note(note))
      directors.push(director)
      closing.push(director)
      stories.push(director.story)
      group.add(director.handle)
    }
    return {
      directors,
      leave: () => Promise.all(directors.map(director => director.handle.leave('stop'))),
      crash: () => {
        for (const director of directors) director.crash()
      },
      close: () => {
        for (const director of directors) director.close()
      },
    }
  }

  try {
    let other = start(100)
    await both('theirs', down + 3000 + PATIENCE)
    let group = await startOurs(150)
    if (!way.preempt) {
      await sleep(2 * down)
      expect(places()).toBe('theirs theirs')
      await other.stop()
      await both('ours', 2 * down + PATIENCE)
      start(200)
      await sleep(2 * down + PATIENCE)
      expect(places()).toBe('ours ours')
      return
    }
    await both('ours', 3 * down + PATIENCE)
    await sleep(2 * down)
    expect(places()).toBe('ours ours')
    for (const { notes } of group.directors)
      expect(notes.filter(note => note.type === 'state').map(note => note.to)).toEqual(['backup', 'master'])

    // Something that only the inner router needs is gone.
    const [outer, inner] = group.directors
    inner!.handle.linkChanged('eth0', false)
    await both('theirs', down + PATIENCE)
    expect(outer!.handle.status().faults).toEqual(['sync group pair: inner has a fault'])
    inner!.handle.linkChanged('eth0', true)
    inner!.handle.ready(true)
    await both('ours', 3 * down + PATIENCE)
    await group.leave()
    await both('theirs', interval + PATIENCE)
    group.close()

    group = await startOurs(150)
    await both('ours', 3 * down + PATIENCE)
    group.crash()
    // Our VIPs stay for their lifetime.
    await both('theirs', down + 3000 + PATIENCE)
    group.close()

    group = await startOurs(50)
    await sleep(down)
    expect(places()).toBe('theirs theirs')
    await other.stop()
    await both('ours', interval + PATIENCE)
    other = start(100)
    await both('theirs', 3 * down + 3000 + PATIENCE)
    await other.crash()
    await until('our takeover', () => group.directors.every(one => one.state() === 'master'), down + PATIENCE)
    await until('our VIPs', () => members(way, 0).every(({ vip }) => a.has(vip)), PATIENCE)
  } catch (error) {
    throw new Error(`${error}\n${stories.map(story => story()).join('\n')}`)
  } finally {
    for (const one of closing) await one.close()
  }
}
