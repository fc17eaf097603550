import { afterAll, describe, expect, test } from 'vitest'
import { type Segment, segment, sleep, until } from '../linux/namespaces.js'
import { ours, PATIENCE, theirs, type Way } from './beside-keepalived.js'
import { addressWatch, keepalived, kernelDirector } from './kernel-director.js'

const way: Way = { version: 3, family: 4, transport: 'multicast', preempt: true }
const vip = '10.9.0.100'
const instance = (priority: number) => ({ name: 'web', vrid: 51, vip, priority })

describe('delayed pre-emption beside keepalived', () => {
  const stories: [string, (net: Segment) => Promise<void>, Segment][] = [
    ['of ours: leaves the lesser keepalived alone for the delay, then relieves it', ourDelay, segment()],
    ['of keepalived: we stay master for its delay, then yield', theirDelay, segment()],
  ]
  afterAll(() => {
    for (const [, , net] of stories) net.remove()
  })

  test.concurrent.each(stories)('%s', { timeout: 60_000 }, (_, story, net) => story(net))
})

async function ourDelay(net: Segment) {
  await beside(net, 100, '', async ({ places, holder, start, other }) => {
    await holder('theirs', 5_000)
    const began = performance.now()
    const director = await start(150, 2_000)
    await sleep(1_500)
    expect(places()).toBe('theirs')
    await holder('ours', 1_500 + PATIENCE)
    expect(performance.now() - began).toBeGreaterThan(2_000)
    expect(director.handle.status().cause).toBe('preempted')
    // A silent or leaving master is no pre-emption: no delay.
    await director.handle.leave('stop')
    director.close()
    await holder('theirs', PATIENCE)
    const again = await start(150, 60_000)
    await sleep(500)
    expect(places()).toBe('theirs')
    await other.stop()
    await holder('ours', PATIENCE)
    expect(again.state()).toBe('master')
  })
}

async function theirDelay(net: Segment) {
  await beside(net, 150, 'preempt_delay 3', async ({ places, holder, start, restart }) => {
    await holder('theirs', 8_000)
    await start(100)
    await sleep(1_000)
    expect(places()).toBe('theirs')
    const began = performance.now()
    await restart(() => holder('ours', PATIENCE))
    await sleep(2_000)
    expect(places()).toBe('ours')
    await holder('theirs', 3_000 + PATIENCE)
    expect(performance.now() - began).toBeGreaterThan(3_000)
  })
}

type Stage = {
  places(): string
  holder(who: string, limit: number): Promise<unknown>
  start(priority: number, delay?: number): ReturnType<typeof kernelDirector>
  /** Ends keepalived, waits for `between`, and starts it again. */
  restart(between: () => Promise<unknown>): Promise<void>
  other: ReturnType<typeof keepalived>
}

async function beside(net: Segment, priority: number, options: string, story: (stage: Stage) => Promise<void>) {
  const a = await addressWatch(net.a)
  const b = await addressWatch(net.b)
  const config = theirs(way, instance(priority)).replace(/}\n$/, `  ${options}\n}\n`)
  const places = () => [a.has(vip) ? 'ours' : '', b.has(vip) ? 'theirs' : ''].filter(Boolean).join(' and ')
  const other = keepalived(net.b, config)
  const closing: { close(): void | Promise<void> }[] = [a, b, other]
  try {
    await story({
      places,
      other,
      holder: (who, limit) => until(`the VIP to be ${who} alone`, () => places() === who, limit),
      async start(own, delay) {
        const router = ours(way, instance(own))
        const preempt = delay === undefined ? router.preempt : ({ mode: 'delayed', delay } as const)
        const director = await kernelDirector(net.a, { ...router, preempt })
        closing.push(director)
        return director
      },
      async restart(between) {
        await other.stop()
        await between()
        closing.push(keepalived(net.b, config))
      },
    })
  } catch (error) {
    throw new Error(`${error}\n${other.log()}`)
  } finally {
    for (const one of closing) await one.close()
  }
}
