import { beforeEach, describe, expect, test } from 'vitest'
import type { Held } from '../../src/messages.js'
import { createRouters } from '../../src/vrrp/routers.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import { routerOf } from '../fakes/virtual-router.js'
import { virtualTime } from '../fakes/virtual-time.js'

/** All routers of one director in virtual time; what is faked is the kernel. */
function director(configs: readonly VirtualRouter[]) {
  const time = virtualTime()
  const returned: string[] = []
  const priorities: number[] = []
  const routers = createRouters({
    clock: time.clock(),
    links: { all: () => ['eth0', 'eth1'].map(name => ({ name, running: true })) } as never,
    sockets: {
      key: ({ interface: name }: VirtualRouter) => name,
      join: () => ({
        lan: {
          source: () => '10.9.0.11',
          send(payload: Buffer) {
            priorities.push(payload[2]!)
            return undefined
          },
        },
        leave() {},
        strays: () => ({ 'vrid-error': 3 }),
      }),
    } as never,
    addresses: { claim: async () => {}, renew() {}, release: async () => {} },
    announcer: { announce: () => 2 },
    notify() {},
    returned: router => returned.push(router),
  })
  routers.upsert(configs.map(value => ({ key: value.name, hash: value.name, value })))
  const states = () => routers.statuses().map(({ state }) => state)
  return {
    time,
    routers,
    returned,
    priorities,
    states,
    start: (held: readonly Held[] = [], at = time.now()) => routers.start(held, at),
  }
}

const web = routerOf(0, [150, 100], { name: 'web' })
const held: Held = { router: 'web', vips: web.vips, patience: 300 }

describe('a process that follows another', () => {
  let one: ReturnType<typeof director>
  beforeEach(() => {
    one = director([web])
  })

  test('goes on as master within what is left of the others’ patience', () => {
    one.start([held], one.time.now() - 299)
    expect(one.states()).toEqual(['master'])
  })

  test('listens first when that is over: another may be master', () => {
    one.start([held], one.time.now() - 300)
    expect(one.states()).toEqual(['backup'])
  })

  test('listens first for what the one before it did not hold', () => {
    one.start([{ ...held, router: 'other' }])
    expect(one.states()).toEqual(['backup'])
  })

  test('tells how old its last advert is while it is master, and what a restart asks of the others', async () => {
    one.start([held])
    await one.time.until(one.time.now() + 50)
    expect(one.routers.advertAge()).toBeCloseTo(50)
    expect(one.routers.keptOverRestart()).toMatchObject([{ router: 'web', patience: 3_000 }])
  })

  test('is old of nothing as a backup', () => {
    one.start()
    expect(one.routers.advertAge()).toBeUndefined()
    expect(one.routers.keptOverRestart()).toEqual([])
  })

  test('counts the strays of its segment with its own', () => {
    one.start()
    expect(one.routers.statuses()[0]?.counters['vrid-error']).toBe(3)
  })
})

describe('while somebody else says to be this director', () => {
  const address = '10.9.0.66'

  test('a backup stays behind, and says why', async () => {
    const one = director([web])
    one.start()
    one.routers.impostor(address)
    expect(one.routers.statuses()[0]).toMatchObject({
      state: 'backup',
      priority: { effective: 1 },
      behind: { reason: `${address} says that it is this director` },
    })
    one.routers.impostor(undefined)
    expect(one.routers.statuses()[0]).toMatchObject({ priority: { effective: 150 } })
    expect(one.routers.statuses()[0]?.behind).toBeUndefined()
  })

  test('a master stays master: two that both gave way would leave nobody', () => {
    const one = director([web])
    one.start([held])
    one.routers.impostor(address)
    expect(one.routers.statuses()[0]).toMatchObject({ state: 'master', priority: { effective: 150 } })
  })

  test('it still takes VIPs that nobody else has, and stays behind', async () => {
    const one = director([web])
    one.start()
    one.routers.impostor(address)
    await one.time.until(one.time.now() + 2_000)
    expect(one.routers.statuses()[0]).toMatchObject({ state: 'master', priority: { effective: 1 } })
    expect(one.returned).toEqual([])
  })
})

describe('an order to one router of a sync group', () => {
  const order = { author: 'root', at: 1 }
  const group = ['web', 'db'].map((name, index) =>
    routerOf(0, [150, 100], { name, vrid: 51 + index, interface: `eth${index}`, syncGroup: 'both' }),
  )

  test('holds for all of them, and ends for all of them', () => {
    const one = director(group)
    one.start(group.map(({ name }) => ({ ...held, router: name })))
    expect(one.states()).toEqual(['master', 'master'])
    one.routers.behind({ web: order })
    expect(one.priorities.slice(-2)).toEqual([0, 0])
    expect(one.routers.statuses().map(({ behind }) => behind?.author)).toEqual(['root', 'root'])
    one.routers.behind({})
    expect(one.routers.statuses().map(({ behind }) => behind)).toEqual([undefined, undefined])
  })

  test('is given back under its own name when nobody takes over', async () => {
    const one = director(group)
    one.start(group.map(({ name }) => ({ ...held, router: name })))
    one.routers.behind({ web: order })
    await one.time.until(one.time.now() + 1_000)
    expect(one.states()).toEqual(['master', 'master'])
    expect(new Set(one.returned)).toEqual(new Set(['web']))
  })
})
