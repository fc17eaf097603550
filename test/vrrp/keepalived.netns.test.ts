import { describe, expect, test } from 'vitest'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import { routerOf } from '../fakes/virtual-router.js'
import { segment, sleep, until } from '../linux/namespaces.js'
import { addressWatch, keepalived, kernelDirector } from './kernel-director.js'

type Way = {
  version: 2 | 3
  family: 4 | 6
  transport: 'multicast' | 'unicast'
  preempt: boolean
  profile?: VirtualRouter['profile']
}

const ways: Way[] = [
  { version: 3, family: 4, transport: 'multicast', preempt: true },
  { version: 3, family: 4, transport: 'multicast', preempt: false },
  { version: 3, family: 4, transport: 'unicast', preempt: true },
  { version: 3, family: 6, transport: 'multicast', preempt: true },
  { version: 3, family: 6, transport: 'unicast', preempt: true },
  { version: 2, family: 4, transport: 'multicast', preempt: true },
  { version: 2, family: 4, transport: 'unicast', preempt: true },
]

const vipOf = { 4: '10.9.0.100', 6: 'fd00:9::100' } as const
const addressesOf = { 4: ['10.9.0.11', '10.9.0.12'], 6: ['fd00:9::11', 'fd00:9::12'] } as const

function ours(way: Way, priority: number): VirtualRouter {
  const { version, family, transport } = way
  const addresses = addressesOf[family]
  return routerOf(0, [priority, 100], {
    ...{ version, family, transport, advertInterval: version === 2 ? 1000 : 100 },
    ...{ preempt: { mode: way.preempt ? 'always' : 'never' } },
    // keepalived wants a link-local first address on IPv6 multicast only when strict.
    vips: [{ address: vipOf[family], prefix: family === 4 ? 32 : 128, interface: 'eth0' }],
    // keepalived leaves the kernel's hop limit of 64 on IPv6 unicast.
    peers: [{ address: addresses[1], ...(family === 6 ? { minTtl: 64 } : {}) }],
    directors: addresses.map((address, i) => ({
      name: `d${i + 1}`,
      addresses: [address],
      priority: [priority, 100][i]!,
    })),
  })
}

function theirs({ version, family, transport, preempt }: Way, priority: number): string {
  const [us, them] = addressesOf[family]
  return `vrrp_instance web {
  interface eth0
  state BACKUP
  virtual_router_id 51
  priority ${priority}
  version ${version}
  advert_int ${version === 2 ? 1 : 0.1}
  ${preempt ? '' : 'nopreempt'}
  ${transport === 'unicast' ? `unicast_src_ip ${them}\n  unicast_peer {\n    ${us}\n  }` : ''}
  virtual_ipaddress {
    ${vipOf[family]}/${family === 4 ? 32 : 128}
  }
}
`
}

const title = ({ version, family, transport, preempt }: Way) =>
  `version ${version}, IPv${family}, ${transport}, ${preempt ? 'preempt' : 'nopreempt'}`

/** What a busy machine may add; the exact times are measured elsewhere, and here only that it ends well. */
const PATIENCE = 2000

describe('beside keepalived', () => {
  test.concurrent.each(ways.map(way => [title(way), way] as const))(
    '%s: stop, crash and return, each with one master',
    { timeout: 120_000 },
    async (_, way) => {
      const net = segment()
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
        let other = keepalived(net.b, theirs(way, 100))
        closing.push(other)
        stories.push(other.log)
        await holder('theirs', down + 3000 + PATIENCE)
        let director = await kernelDirector(net.a, ours(way, 150))
        closing.push(director)
        stories.push(director.story)
        if (!way.preempt) {
          await sleep(2 * down)
          expect(places()).toBe('theirs')
          await other.stop()
          await holder('ours', down + PATIENCE)
          other = keepalived(net.b, theirs(way, 200))
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
        director = await kernelDirector(net.a, ours(way, 150))
        closing.push(director)
        stories.push(director.story)
        await holder('ours', 2 * down + PATIENCE)
        director.crash()
        await until('keepalived to take over', () => b.has(vip), down + PATIENCE)
        await holder('theirs', 3000 + PATIENCE)
        director.close()

        // keepalived is better: it pre-empts us, and we have the VIP when it stops or crashes.
        director = await kernelDirector(net.a, ours(way, 50))
        closing.push(director)
        stories.push(director.story)
        await sleep(down)
        expect(places()).toBe('theirs')
        await other.stop()
        await holder('ours', (way.version === 2 ? 1000 : interval) + PATIENCE)
        other = keepalived(net.b, theirs(way, 100))
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
        net.remove()
      }
    },
  )
})
