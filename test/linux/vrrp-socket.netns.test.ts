import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openLan, type VrrpSocket, vrrpGroup } from '../../src/linux/vrrp-socket.js'
import { createSockets } from '../../src/vrrp/sockets.js'
import { decodeAdvert, encodeAdvert } from '../../vrrp/packet.js'
import type { Received } from '../../vrrp/ports.js'
import { routerOf } from '../fakes/virtual-router.js'
import { type Namespace, type Segment, segment, sleep, until } from './namespaces.js'

const address = { 4: ['10.9.0.11', '10.9.0.12'], 6: ['fe80::11', 'fe80::12'] } as const
const vips = { 4: ['10.9.0.100', '10.9.0.101'], 6: ['fe80::100', 'fd00:9::100'] } as const

let net: Segment
let open: VrrpSocket[] = []
beforeAll(() => {
  net = segment()
})
afterEach(() => {
  for (const socket of open) socket.close()
  open = []
})
afterAll(() => net.remove())

type Heard = {
  values: { vrid: number; source: string; destination?: string; ttl?: number; valid: boolean }[]
  socket: VrrpSocket
}

function lan(namespace: Namespace, family: 4 | 6, kind: 'multicast' | 'unicast', source: string, more = {}): Heard {
  const heard: Heard = { values: [], socket: undefined as unknown as VrrpSocket }
  heard.socket = namespace.enter(() =>
    openLan({ interface: 'eth0', family, kind, source: () => source, ...more }, packet =>
      heard.values.push(read(packet, family, kind, address[family][1])),
    ),
  )
  open.push(heard.socket)
  return heard
}

function read(packet: Received, family: 4 | 6, kind: string, own: string) {
  const destination = packet.destination ?? (kind === 'multicast' ? vrrpGroup[family] : own)
  const result = decodeAdvert(packet.payload, { family, source: packet.source, destination })
  return {
    vrid: packet.payload[1]!,
    source: packet.source,
    valid: 'vrid' in result,
    ...(packet.destination && { destination: packet.destination }),
    ...(packet.ttl && { ttl: packet.ttl }),
  }
}

function advert(family: 4 | 6, destination: string, vrid = 51, priority = 150) {
  return encodeAdvert(
    { version: 3, vrid, priority, interval: 100, addresses: [...vips[family]] },
    { family, source: address[family][0], destination },
    { pseudoHeader: true },
  )
}

describe.each([4, 6] as const)('the raw socket, IPv%i', family => {
  test('tells how long an advert waited to be read', async () => {
    const sender = lan(net.a, family, 'multicast', address[family][0])
    const waited: number[] = []
    const hearer = net.b.enter(() =>
      openLan({ interface: 'eth0', family, kind: 'multicast', source: () => address[family][1] }, packet =>
        waited.push(packet.waited ?? Number.NaN),
      ),
    )
    open.push(hearer)
    hearer.listen([51])
    const since: number[] = []
    for (const asleep of [0, 60]) {
      since.push(performance.now())
      sender.socket.lan.send(advert(family, vrrpGroup[family]), vrrpGroup[family])
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, asleep)
      await until('the advert', () => waited.length === since.length)
      since.push(performance.now() - since.pop()!)
    }
    // Two clocks are read one after the other.
    expect(waited[0]).toBeGreaterThanOrEqual(0)
    for (const [index, passed] of since.entries()) expect(waited[index]).toBeLessThan(passed + 1)
    expect(waited[1]).toBeGreaterThan(58)
  })

  test('carries an advert to the group from the interface to the other director, from the address that was asked for', async () => {
    const sender = lan(net.a, family, 'multicast', address[family][0])
    const hearer = lan(net.b, family, 'multicast', address[family][1])
    hearer.socket.listen([51])
    expect(hearer.socket.problem()).toBeUndefined()
    expect(sender.socket.lan.send(advert(family, vrrpGroup[family]), vrrpGroup[family])).toBeUndefined()
    await until('the advert', () => hearer.values.length > 0)
    expect(hearer.values).toEqual([
      {
        vrid: 51,
        source: address[family][0],
        valid: true,
        destination: vrrpGroup[family],
        ...(family === 4 && { ttl: 255 }),
      },
    ])
    expect(sender.values).toEqual([])
  })

  test('carries unicast adverts, and each kind hears only its own', async () => {
    const sender = lan(net.a, family, 'unicast', address[family][0])
    const group = lan(net.b, family, 'multicast', address[family][1])
    const hearer = lan(net.b, family, 'unicast', address[family][1])
    hearer.socket.listen([51])
    group.socket.listen([51])
    expect(sender.socket.lan.send(advert(family, address[family][1]), address[family][1])).toBeUndefined()
    await until('the advert', () => hearer.values.length > 0)
    expect(hearer.values).toMatchObject([{ vrid: 51, source: address[family][0], valid: true }])
    await sleep(50)
    expect(group.values).toEqual([])
  })

  test('drops in the kernel what is for virtual routers of others, and shows a sample of it', async () => {
    const sender = lan(net.a, family, 'multicast', address[family][0])
    const hearer = lan(net.b, family, 'multicast', address[family][1])
    hearer.socket.listen([7, 51, 200])
    hearer.socket.strays()
    for (const vrid of [6, 7, 8, 51, 199, 200, 201])
      expect(sender.socket.lan.send(advert(family, vrrpGroup[family], vrid), vrrpGroup[family])).toBeUndefined()
    sender.socket.lan.send(Buffer.from('rubbish!'), vrrpGroup[family])
    await until('three adverts', () => hearer.values.length >= 3)
    await sleep(50)
    expect(hearer.values.map(({ vrid }) => vrid)).toEqual([7, 51, 200])
    const { sample, missed } = hearer.socket.strays()
    expect(sample.map(({ payload }) => payload[1])).toEqual([6, 8, 199, 201, 'u'.charCodeAt(0)])
    expect(missed).toBe(0)
  })

  test('listens to as many virtual routers as there are', async () => {
    const sender = lan(net.a, family, 'multicast', address[family][0])
    const hearer = lan(net.b, family, 'multicast', address[family][1])
    const all = Array.from({ length: 255 }, (_, index) => index + 1)
    hearer.socket.listen(all)
    for (const vrid of all) sender.socket.lan.send(advert(family, vrrpGroup[family], vrid), vrrpGroup[family])
    await until('all of them', () => hearer.values.length >= 255)
    expect(hearer.values.map(({ vrid }) => vrid)).toEqual(all)
    hearer.socket.listen([])
    sender.socket.lan.send(advert(family, vrrpGroup[family]), vrrpGroup[family])
    await sleep(50)
    expect(hearer.values).toHaveLength(255)
  })

  test('drops in the kernel what has crossed a router: a hop limit below 255', async () => {
    const hearer = lan(net.b, family, 'multicast', address[family][1])
    const lenient = lan(net.b, family, 'unicast', address[family][1], { minTtl: 64 })
    hearer.socket.listen([51])
    lenient.socket.listen([51])
    hearer.socket.strays()
    for (const [hops, destination] of [
      [254, vrrpGroup[family]],
      [255, vrrpGroup[family]],
      [63, address[family][1]],
      [64, address[family][1]],
    ] as const)
      inject(family, hops, destination, advert(family, destination))
    await until('two adverts', () => hearer.values.length + lenient.values.length >= 2)
    await sleep(50)
    expect(hearer.values).toHaveLength(1)
    expect(lenient.values).toHaveLength(1)
    if (family === 4) expect(lenient.values[0]!.ttl).toBe(64)
    expect(hearer.socket.strays().sample).toHaveLength(1)
  })

  test('is another one for a router that takes fewer hops, so that its neighbour on the interface is no more lenient for it', async () => {
    const own = address[family][1]
    const heard: number[] = []
    const sockets = net.b.enter(() => {
      const shared = createSockets({ primary: () => own } as never)
      for (const [vrid, minTtl] of [
        [51, 255],
        [52, 64],
        [53, 64],
      ] as const) {
        const peers = [{ address: address[family][0], minTtl }]
        shared.join(routerOf(1, [150, 100], { vrid, family, transport: 'unicast', peers }), () => heard.push(vrid))
      }
      return shared
    })
    for (const vrid of [51, 52, 53]) inject(family, 100, own, advert(family, own, vrid))
    for (const vrid of [51, 52, 53]) inject(family, 255, own, advert(family, own, vrid))
    await until('five adverts', () => heard.length >= 5)
    await sleep(50)
    expect(heard.toSorted()).toEqual([51, 52, 52, 53, 53])
    sockets.close()
  })

  test('works again when its interface is made anew, and says ENODEV meanwhile', async () => {
    addInterface()
    const socket = net.b.enter(() =>
      openLan({ interface: 'late0', family, kind: 'multicast', source: () => address[family][1] }, () => {}),
    )
    open.push(socket)
    expect(socket.lan.send(advert(family, vrrpGroup[family]), vrrpGroup[family])).toBeUndefined()
    net.b.run('ip', 'link', 'del', 'late0')
    expect(['ENODEV', 'ENXIO', 'ENETUNREACH']).toContain(
      socket.lan.send(advert(family, vrrpGroup[family]), vrrpGroup[family]),
    )
    net.b.enter(() => socket.rebind())
    expect(socket.problem()).toBe('ENODEV')
    expect(socket.lan.send(advert(family, vrrpGroup[family]), vrrpGroup[family])).toBe('ENODEV')
    addInterface()
    net.b.enter(() => socket.rebind())
    expect(socket.problem()).toBeUndefined()
    expect(socket.lan.send(advert(family, vrrpGroup[family]), vrrpGroup[family])).toBeUndefined()
    net.b.run('ip', 'link', 'del', 'late0')
  })
})

/** One VRRP packet with any hop limit, from a scratch socket of another program. */
function inject(family: 4 | 6, hops: number, destination: string, payload: Buffer) {
  const script = `
import socket, sys
family = socket.AF_INET if ${family} == 4 else socket.AF_INET6
s = socket.socket(family, socket.SOCK_RAW, 112)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0\\0')
s.bind(('${address[family][0]}', 0) if ${family} == 4 else ('${address[family][0]}', 0, 0, socket.if_nametoindex('eth0')))
if ${family} == 4:
  s.setsockopt(0, socket.IP_MULTICAST_TTL, ${hops}); s.setsockopt(0, socket.IP_TTL, ${hops})
else:
  s.setsockopt(41, socket.IPV6_MULTICAST_HOPS, ${hops}); s.setsockopt(41, socket.IPV6_UNICAST_HOPS, ${hops})
s.sendto(bytes.fromhex('${payload.toString('hex')}'), ('${destination}', 0))
`
  net.a.run('python3', '-c', script)
}

function addInterface() {
  net.b.run('ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1')
  net.b.run('ip', 'link', 'set', 'late1', 'up')
  net.b.run('ip', 'link', 'set', 'late0', 'up')
  net.b.run('ip', 'addr', 'add', 'fe80::99/64', 'dev', 'late0', 'nodad')
}
