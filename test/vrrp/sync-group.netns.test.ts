import { describe, expect, test } from 'vitest'
import { groupLoop } from '../../vrrp/group-loop.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import { routerOf } from '../fakes/virtual-router.js'
import { segment, sleep, until } from '../linux/namespaces.js'
import { addressWatch, keepalived, kernelDirector } from './kernel-director.js'

const outer = '10.9.0.100'
const inner = '10.9.0.200'
const routers: [string, number, string][] = [
  ['outer', 51, outer],
  ['inner', 52, inner],
]

const ours = (name: string, vrid: number, vip: string, priority: number): VirtualRouter =>
  routerOf(0, [priority, 100], {
    ...{ name, vrid, syncGroup: 'pair' },
    vips: [{ address: vip, prefix: 32, interface: 'eth0' }],
  })

const theirs = (priority: number) => `vrrp_sync_group pair {
  group {
    outer
    inner
  }
}
${routers
  .map(
    ([name, vrid, vip]) => `vrrp_instance ${name} {
  interface eth0
  state BACKUP
  virtual_router_id ${vrid}
  priority ${priority}
  version 3
  advert_int 0.1
  virtual_ipaddress {
    ${vip}/32
  }
}
`,
  )
  .join('')}`

describe('a sync group beside keepalived’s', () => {
  test('goes and comes as one: start, fault of one router, its end, stop', { timeout: 60_000 }, async () => {
    const net = segment()
    const a = await addressWatch(net.a)
    const b = await addressWatch(net.b)
    const other = keepalived(net.b, theirs(100))
    const group = groupLoop('pair')
    const places = () =>
      routers.map(([, , vip]) => `${a.has(vip) ? 'ours' : ''}${b.has(vip) ? 'theirs' : ''}`).join(' ')
    const both = (who: string, limit: number) => until(`both to be ${who}`, () => places() === `${who} ${who}`, limit)
    const directors: Awaited<ReturnType<typeof kernelDirector>>[] = []
    try {
      await both('theirs', 4000)
      for (const [name, vrid, vip] of routers) {
        const director = await kernelDirector(net.a, ours(name, vrid, vip, 150), {}, note => group.note(note))
        directors.push(director)
        group.add(director.handle)
      }
      await both('ours', 3000)
      await sleep(1000)
      expect(places()).toBe('ours ours')
      expect(directors[0]!.notes.filter(note => note.type === 'state').map(note => note.to)).toEqual([
        'backup',
        'master',
      ])

      // Something that only the inner router needs is gone.
      directors[1]!.handle.linkChanged('eth0', false)
      await both('theirs', 1500)
      expect(directors[0]!.handle.status().faults).toEqual(['sync group pair: inner has a fault'])
      directors[1]!.handle.linkChanged('eth0', true)
      directors[1]!.handle.ready(true)
      await both('ours', 3000)

      await Promise.all(directors.map(director => director.handle.leave('stop')))
      await both('theirs', 1500)
    } finally {
      for (const director of directors) director.close()
      await other.close()
      a.close()
      b.close()
      net.remove()
    }
  })
})
