import { expect } from 'vitest'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import { routerOf } from '../fakes/virtual-router.js'
import { type Segment, sleep, until } from '../linux/namespaces.js'
import { addressWatch, keepalived, kernelDirector } from './kernel-director.js'

/** How two directors speak to each other. */
export type Way = {
  version: 2 | 3
  family: 4 | 6
  transport: 'multicast' | 'unicast'
  preempt: boolean
  profile?: VirtualRouter['profile']
  /** Simple text, of version 2. */
  password?: string
}

/** What `npm test` tries; the slowest first. */
export const ways: readonly Way[] = [
  { version: 2, family: 4, transport: 'multicast', preempt: true },
  { version: 2, family: 4, transport: 'unicast', preempt: true },
  { version: 2, family: 4, transport: 'multicast', preempt: true, password: 'secret' },
  { version: 3, family: 4, transport: 'multicast', preempt: true },
  { version: 3, family: 4, transport: 'multicast', preempt: false },
  { version: 3, family: 4, transport: 'unicast', preempt: true },
  { version: 3, family: 6, transport: 'multicast', preempt: true },
  { version: 3, family: 6, transport: 'unicast', preempt: true },
]

/** What the nights try besides. */
export const moreWays: readonly Way[] = [
  { version: 3, family: 4, transport: 'unicast', preempt: false },
  { version: 3, family: 6, transport: 'multicast', preempt: false },
  { version: 3, family: 6, transport: 'unicast', preempt: false },
  { version: 2, family: 4, transport: 'multicast', preempt: false },
  { version: 2, family: 4, transport: 'unicast', preempt: false },
]

/** What only a keepalived knows that is newer than 2.2.7 (v3_checksum_as_v2). */
export const newerWays: readonly Way[] = [
  { version: 3, family: 4, transport: 'multicast', preempt: true, profile: 'rfc9568' },
]

/** One virtual router of either side. */
export type Instance = { readonly name: string; readonly vrid: number; readonly vip: string; readonly priority: number }

const vipOf = { 4: '10.9.0.100', 6: 'fd00:9::100' } as const
const addressesOf = { 4: ['10.9.0.11', '10.9.0.12'], 6: ['fd00:9::11', 'fd00:9::12'] } as const

const only = ({ family }: Way, priority: number): Instance => ({ name: 'web', vrid: 51, vip: vipOf[family], priority })

/** lvskeeper's half, on the first address of the segment. */
export function ours(way: Way, { name, vrid, vip, priority }: Instance): VirtualRouter {
  const { version, family, transport, password } = way
  const addresses = addressesOf[family]
  return routerOf(0, [priority, 100], {
    ...{ name, vrid, version, family, transport, advertInterval: version === 2 ? 1000 : 100 },
    ...{ preempt: { mode: way.preempt ? 'always' : 'never' }, profile: way.profile ?? 'keepalived' },
    // keepalived wants a link-local first address on IPv6 multicast only when strict.
    vips: [{ address: vip, prefix: family === 4 ? 32 : 128, interface: 'eth0' }],
    // keepalived leaves the kernel's hop limit of 64 on IPv6 unicast.
    peers: [{ address: addresses[1], ...(family === 6 ? { minTtl: 64 } : {}) }],
    directors: addresses.map((address, i) => ({
      name: `d${i + 1}`,
      addresses: [address],
      priority: [priority, 100][i]!,
    })),
    ...(password === undefined ? {} : { authentication: { type: 'pass', password } }),
  })
}

/** keepalived's half, on the second address. */
export function theirs(way: Way, { name, vrid, vip, priority }: Instance): string {
  const { version, family, transport, preempt, profile, password } = way
  const [us, them] = addressesOf[family]
  return `vrrp_instance ${name} {
  interface eth0
  state BACKUP
  virtual_router_id ${vrid}
  priority ${priority}
  version ${version}
  advert_int ${version === 2 ? 1 : 0.1}
  ${preempt ? '' : 'nopreempt'}
  ${profile === 'rfc9568' ? 'v3_checksum_as_v2' : ''}
  ${password === undefined ? '' : `authentication {\n    auth_type PASS\n    auth_pass ${password}\n  }`}
  ${transport === 'unicast' ? `unicast_src_ip ${them}\n  unicast_peer {\n    ${us}\n  }` : ''}
  virtual_ipaddress {
    ${vip}/${family === 4 ? 32 : 128}
  }
}
`
}

export const title = ({ version, family, transport, preempt, profile, password }: Way) =>
  `version ${version}, IPv${family}, ${transport}, ${preempt ? 'preempt' : 'nopreempt'}${profile ? `, checksum as in ${profile}` : ''}${password ? ', with a password' : ''}`

/** What a busy machine may add; the exact times are measured elsewhere, and here only that it ends well. */
export const PATIENCE = 2000

/**
 * The whole story with one master at each of its ends: ours starts beside a keepalived, takes over, stops, returns, crashes; is the lesser one, takes over
 * from a keepalived that stops and that crashes. Without pre-emption: neither takes over from the other. `program`: which keepalived, if not the machine's own.
 */
export async function besideKeepalived(net: Segment, way: Way, program?: string): Promise<void> {
  const vip = vipOf[way.family]
  const a = await addressWatch(net.a)
  const b = await addressWatch(net.b)
  const interval = way.version === 2 ? 1000 : 100
  const down = 3 * interval + (way.version === 2 ? 1000 : interval)
  const places = () => [a.has(vip) ? 'ours' : '', b.has(vip) ? 'theirs' : ''].filter(Boolean).join(' and ')
  const holder = (who: string, limit: number) => until(`the VIP to be ${who} alone`, () => places() === who, limit)
  const closing: { close(): void | Promise<void> }[] = [a, b]
  const stories: (() => string)[] = []
  try {
    // Ours is better: it is master, keepalived accepts it.
    let other = keepalived(net.b, theirs(way, only(way, 100)), program)
    closing.push(other)
    stories.push(other.log)
    await holder('theirs', down + 3000 + PATIENCE)
    let director = await kernelDirector(net.a, ours(way, only(way, 150)))
    closing.push(director)
    stories.push(director.story)
    if (!way.preempt) {
      await sleep(2 * down)
      expect(places()).toBe('theirs')
      await other.stop()
      await holder('ours', down + PATIENCE)
      other = keepalived(net.b, theirs(way, only(way, 200)), program)
      closing.push(other)
      stories.push(other.log)
      await sleep(2 * down + PATIENCE)
      expect(places()).toBe('ours')
      return
    }
    await holder('ours', 2 * down + PATIENCE)
    await sleep(2 * down)
    expect(places()).toBe('ours')
    expect(director.notes.filter(note => note.type === 'state').map(note => note.to)).toEqual(['backup', 'master'])

    // It stops: keepalived has the VIP within its skew, and nobody is without.
    const stopping = performance.now()
    const left = director.handle.leave('stop')
    await holder('theirs', interval + PATIENCE)
    await left
    expect(performance.now() - stopping).toBeLessThan((way.version === 2 ? 1000 : interval) + PATIENCE)
    director.close()

    // It returns, pre-empts, and crashes.
    director = await kernelDirector(net.a, ours(way, only(way, 150)))
    closing.push(director)
    stories.push(director.story)
    await holder('ours', 2 * down + PATIENCE)
    director.crash()
    await until('keepalived to take over', () => b.has(vip), down + PATIENCE)
    await holder('theirs', 3000 + PATIENCE)
    director.close()

    // keepalived is better: it pre-empts us, and we have the VIP when it stops or crashes.
    director = await kernelDirector(net.a, ours(way, only(way, 50)))
    closing.push(director)
    stories.push(director.story)
    await sleep(down)
    expect(places()).toBe('theirs')
    await other.stop()
    await holder('ours', (way.version === 2 ? 1000 : interval) + PATIENCE)
    other = keepalived(net.b, theirs(way, only(way, 100)), program)
    closing.push(other)
    stories.push(other.log)
    await holder('theirs', 2 * down + 3000 + PATIENCE)
    await other.crash()
    await until('our takeover', () => director.state() === 'master', down + PATIENCE)
    expect(director.handle.status().cause).toBe('no-response')
    await until('our VIP', () => a.has(vip), PATIENCE)
  } catch (error) {
    // The stories of both sides say more than the line of the test.
    throw new Error(`${error}\n${stories.map(story => story()).join('\n')}`)
  } finally {
    for (const one of closing) await one.close()
  }
}
