import { describe, expect, test } from 'vitest'
import { createConflicts } from '../../src/vrrp/conflicts.js'
import { addressesEvent, conflictEvent, strayEvents } from '../../src/vrrp/events.js'
import { loopLag } from '../../src/vrrp/lag.js'
import { quiet } from '../../src/vrrp/quiet.js'
import { classify, strayCounter } from '../../src/vrrp/strays.js'
import { encodeAdvert } from '../../vrrp/packet.js'
import type { Received } from '../../vrrp/ports.js'
import { routerOf } from '../fakes/virtual-router.js'

const group = '224.0.0.18'
function advert(vrid: number, changes: Partial<Received> = {}, damage?: [at: number, to: number]): Received {
  const source = '10.9.0.50'
  const payload = encodeAdvert(
    { version: 3, vrid, priority: 100, interval: 100, addresses: ['10.9.0.100'] },
    { family: 4, source, destination: group },
    { pseudoHeader: true },
  )
  if (damage) payload[damage[0]] = damage[1]
  return { payload, source, destination: group, ttl: 255, ...changes }
}

describe('a stray packet', () => {
  test.each([
    ['came through a router', advert(51, { ttl: 254 }), 'ip-ttl-error'],
    ['is too short to have a vrid', advert(51, { payload: Buffer.from([0x31, 51]) }), 'packet-length-error'],
    ['has a version that is none', advert(51, {}, [0, 0x41]), 'version-error'],
    ['is no advertisement', advert(51, {}, [0, 0x32]), 'invalid-type'],
    ['is another virtual router', advert(7), 'vrid-error'],
    ['is another virtual router, damaged', advert(7, {}, [2, 1]), 'vrid-error'],
  ] as const)('that %s is counted as such', (_, packet, reason) => {
    expect(classify(packet, 4, 255, [51]).reason).toBe(reason)
  })

  test('that came far enough for routed unicast is none for its hop limit', () => {
    expect(classify(advert(7, { ttl: 200 }), 4, 64, [51]).reason).toBe('vrid-error')
  })

  test('names the foreign virtual router only when it is sound', () => {
    expect(classify(advert(7), 4, 255, [51]).foreign).toEqual({ vrid: 7, priority: 100 })
    expect(classify(advert(7, {}, [2, 1]), 4, 255, [51]).foreign).toBeUndefined()
  })

  test('is put to the account of exactly one router of the segment', () => {
    const counter = strayCounter(4, 255)
    counter.take({ sample: [advert(52, { ttl: 1 }), advert(7), advert(7)], missed: 9 }, [51, 52])
    expect(counter.of(51, true)).toEqual({ 'vrid-error': 2, 'not-looked-at': 9 })
    expect(counter.of(52, false)).toEqual({ 'ip-ttl-error': 1 })
  })
})

describe('events that a flood could cause', () => {
  test('pass once a minute for each kind, with the number that was left out', () => {
    let now = 0
    const mayTell = quiet(() => now)
    expect([mayTell('a'), mayTell('a'), mayTell('b'), mayTell('a')]).toEqual([0, undefined, 0, undefined])
    now = 60_000
    expect(mayTell('a')).toBe(2)
  })

  test('are one for each reason and each foreign vrid', () => {
    const mayTell = quiet(() => 0)
    const strays = [advert(7), advert(7), advert(8), advert(51, { ttl: 1 }), advert(51, { ttl: 2 })]
    const events = strayEvents(
      'eth0',
      strays.map(packet => classify(packet, 4, 255, [51])),
      mayTell,
      0,
    )
    expect(events.map(({ name, level, data }) => [name, level, data?.['vrid'] ?? data?.['reason']])).toEqual([
      ['vrrp.foreign-vrid', 'notice', 7],
      ['vrrp.foreign-vrid', 'notice', 8],
      ['vrrp.stray', 'warning', 'ip-ttl-error'],
    ])
  })

  test('say how many of the same were left out', () => {
    expect(addressesEvent('web', 'EPERM', 3, 0).text).toContain('3 more of the same')
    expect(addressesEvent('web', 'EPERM', 0, 0).text).not.toContain('more')
  })
})

describe('the lag of a loop', () => {
  test('is the longest lateness of the last ten seconds', () => {
    const lag = loopLag(50)
    let now = 0
    const beats = (...gaps: number[]) => {
      for (const gap of gaps) {
        now += gap
        lag.beat(now)
      }
    }
    beats(50, 50, 350, 50, 60)
    expect(lag.read(now)).toBe(300)
    beats(...new Array<number>(190).fill(50))
    expect(lag.read(now)).toBe(300)
    beats(...new Array<number>(12).fill(50))
    expect(lag.read(now)).toBe(0)
  })
})

describe('asking who else has a VIP', () => {
  const [foreign, peer] = ['02:00:00:00:00:99', '02:00:00:00:00:12']
  const router = routerOf(0, [150, 100], { name: 'web' })
  const vip = router.vips[0]!.address
  const other = router.directors[1]!
  async function ask(
    mac: string,
    master: boolean | (() => boolean),
    neighbours: readonly string[] = [other.addresses[0]!],
    others: readonly string[] = [],
  ) {
    const found: unknown[] = []
    const conflicts = createConflicts({
      links: {} as never,
      found: conflict => found.push(conflict),
      probe: async (_, address) => {
        if (address === vip) return { mac, others }
        return address === other.addresses[0] ? { mac: peer } : { nobody: true }
      },
      neighbours: async () =>
        neighbours.map(address => ({ address, interface: 'eth0', mac: peer, state: 'reachable' as const })),
    })
    await conflicts.look(router, typeof master === 'boolean' ? () => master : master)
    return found
  }

  test('finds a machine that is no director, with its MAC, whatever our state', async () => {
    for (const master of [false, true])
      expect(await ask(foreign, master)).toEqual([
        { router: 'web', address: vip, interface: 'eth0', mac: foreign, director: false },
      ])
  })

  test('expects the master to have it while we are backup', async () => {
    expect(await ask(peer, false)).toEqual([])
    expect(await ask(peer, false, [])).toEqual([])
    expect(await ask('00:00:5e:00:01:33', false)).toEqual([])
  })

  test('expects the old master to have answered before we took over from it', async () => {
    const states = [false, true]
    expect(await ask(peer, () => states.shift() ?? true)).toEqual([])
  })

  test('finds a machine that answers beside the master, before a pre-emption', async () => {
    expect(await ask(peer, false, undefined, [foreign])).toMatchObject([{ mac: foreign, director: false }])
  })

  test('finds a director that has it while we are master, by name, also one that was never spoken to', async () => {
    for (const neighbours of [[other.addresses[0]!], []])
      expect(await ask(peer, true, neighbours)).toMatchObject([{ owner: other.name, director: true, mac: peer }])
  })

  test('asks from the interface below one with a virtual MAC, lest switches take this director for the master', async () => {
    const virtual = { virtualMac: { interface: 'vrrp.51', transmitOnParent: true } }
    const carriers = [
      { address: vip, prefix: 32, interface: 'vrrp.51' },
      { address: '10.9.1.1', prefix: 32, interface: 'eth1' },
    ]
    const asked: string[] = []
    const conflicts = createConflicts({
      links: {} as never,
      found() {},
      async probe(name, address) {
        asked.push(`${address} ${name}`)
        return { nobody: true }
      },
      neighbours: async () => [],
    })
    await conflicts.look({ ...router, ...virtual, vips: carriers }, () => false)
    expect(asked).toEqual([`${vip} eth0`, '10.9.1.1 eth1'])
  })

  test('is an alarm with the MAC, and a warning where it is a director', () => {
    const conflict = { router: 'web', address: vip, interface: 'eth0', mac: foreign, director: false }
    expect(conflictEvent(conflict, 0)).toMatchObject({
      name: 'vrrp.address-conflict',
      level: 'alarm',
      data: { mac: foreign },
    })
    expect(conflictEvent({ ...conflict, director: true, owner: 'd2' }, 0)).toMatchObject({ level: 'warning' })
  })
})
