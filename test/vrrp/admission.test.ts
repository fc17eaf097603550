import { describe, expect, test } from 'vitest'
import { admission } from '../../vrrp/admission.js'
import type { DiscardReason } from '../../vrrp/discard.js'
import { type Advert, encodeAdvert } from '../../vrrp/packet.js'
import type { Lan, Received } from '../../vrrp/ports.js'
import { transmitter } from '../../vrrp/transmitter.js'
import type { Authentication, VirtualRouter } from '../../vrrp/virtual-router.js'
import { routerOf } from '../fakes/virtual-router.js'

const [OWN, PEER] = ['10.9.0.11', '10.9.0.12']
const EPOCH = 1_800_000_000_000
const multicast = routerOf(0, [150, 100])
const unicast = routerOf(0, [150, 100], { transport: 'unicast' })

/** What d2, configured as `router`, would send. */
function sent(router: VirtualRouter, changes: Partial<Advert> = {}, epoch = EPOCH): Buffer {
  let bytes = Buffer.alloc(0)
  const lan: Lan = {
    source: () => PEER,
    send(payload) {
      bytes = Buffer.from(payload)
      return undefined
    },
  }
  const { priority = 100, interval = router.advertInterval, vrid = router.vrid } = changes
  const itsPeers = { ...router, vrid, peers: [{ address: OWN }] }
  expect(transmitter(lan, () => epoch)(itsPeers, PEER, priority, interval)).toBeUndefined()
  return bytes
}
const packet = (payload: Buffer, changes: Partial<Received> = {}): Received => ({
  ...{ payload, source: PEER, destination: '224.0.0.18', ttl: 255 },
  ...changes,
})
const toUs = { destination: OWN }
const result = (router: VirtualRouter, received: Received) => admission()(router, received, OWN, EPOCH)
const reason = (router: VirtualRouter, received: Received) =>
  (result(router, received) as { discard?: DiscardReason }).discard

describe('an advert of the other director', () => {
  test('is admitted, by multicast and by unicast', () => {
    expect(result(multicast, packet(sent(multicast)))).toMatchObject({
      from: PEER,
      priority: 100,
      addressesDiffer: false,
    })
    expect(result(unicast, packet(sent(unicast), toUs))).toMatchObject({ from: PEER, priority: 100 })
  })
  test('is admitted with other VIPs, and that is said', () => {
    const other = { ...multicast, vips: [{ address: '10.9.0.101', prefix: 32, interface: 'eth0' }] }
    expect(result(multicast, packet(sent(other)))).toMatchObject({ addressesDiffer: true, addresses: ['10.9.0.101'] })
  })
  test('is admitted with the same VIPs in another order', () => {
    const vips = ['10.9.0.101', '10.9.0.102'].map(address => ({ address, prefix: 32, interface: 'eth0' }))
    const turned = { ...multicast, vips: vips.toReversed() }
    expect(result({ ...multicast, vips }, packet(sent(turned)))).toMatchObject({ addressesDiffer: false })
  })
  test('is admitted with either checksum', () => {
    const bare = { ...multicast, profile: 'rfc9568' } as const
    expect(result(multicast, packet(sent(bare)))).toMatchObject({ checksum: 'plain' })
    expect(result(bare, packet(sent(multicast)))).toMatchObject({ checksum: 'pseudo-header' })
  })
  test('of version 3 may have another interval', () => {
    expect(result(multicast, packet(sent(multicast, { interval: 1000 })))).toMatchObject({ interval: 1000 })
  })
})

describe('what is not admitted, and why', () => {
  const old = routerOf(0, [150, 100], { version: 2, advertInterval: 1000 })
  test.each<[string, VirtualRouter, Received, DiscardReason]>([
    ['our own reflection', multicast, packet(sent(multicast), { source: OWN }), 'own-address'],
    ['a multicast advert with TTL 254', multicast, packet(sent(multicast), { ttl: 254 }), 'ip-ttl-error'],
    ['a unicast advert for a multicast router', multicast, packet(sent(unicast), toUs), 'transport-error'],
    ['a multicast advert for a unicast router', unicast, packet(sent(multicast)), 'transport-error'],
    [
      'a unicast advert of a stranger',
      unicast,
      packet(sent(unicast), { ...toUs, source: '10.9.0.99' }),
      'source-error',
    ],
    ['a unicast advert that crossed a router', unicast, packet(sent(unicast), { ...toUs, ttl: 254 }), 'ip-ttl-error'],
    ['version 2 for a version 3 router', multicast, packet(sent(old)), 'version-error'],
    ['version 3 for a version 2 router', old, packet(sent(multicast)), 'version-error'],
    ['another vrid', multicast, packet(sent(multicast, { vrid: 52 })), 'vrid-error'],
    ['another interval in version 2', old, packet(sent({ ...old, advertInterval: 2000 })), 'interval-error'],
    ['a broken checksum', multicast, packet(sent(multicast).fill(9, 2, 3)), 'checksum-error'],
    ['half a packet', multicast, packet(sent(multicast).subarray(0, 9)), 'packet-length-error'],
  ])('%s', (_, router, received, expected) => expect(reason(router, received)).toBe(expected))
  test('fewer hops are enough where a unicast peer is behind routers', () => {
    const far = { ...unicast, peers: [{ address: PEER, minTtl: 60 }] }
    expect(reason(far, packet(sent(unicast), { ...toUs, ttl: 60 }))).toBeUndefined()
    expect(reason(far, packet(sent(unicast), { ...toUs, ttl: 59 }))).toBe('ip-ttl-error')
  })
})

describe('IPv6', () => {
  const vips = [{ address: 'fe80::100', prefix: 128, interface: 'eth0' }]
  const six = { ...multicast, family: 6, vips } as const
  const advert = { version: 3, vrid: 51, priority: 100, interval: 100, addresses: ['fe80::100'] } as const
  test('without a header is taken for multicast, or for ours by unicast', () => {
    const many = encodeAdvert(
      advert,
      { family: 6, source: 'fe80::12', destination: 'ff02::12' },
      { pseudoHeader: true },
    )
    const received = { payload: many, source: 'fe80::12%eth0' }
    expect(admission()(six, received, 'fe80::11', EPOCH)).toMatchObject({ from: 'fe80::12' })
    const one = encodeAdvert(advert, { family: 6, source: 'fd00::12', destination: 'fd00::11' }, { pseudoHeader: true })
    const alone = { ...six, transport: 'unicast', peers: [{ address: 'fd00::12' }] } as const
    expect(admission()(alone, { payload: one, source: 'fd00::12' }, 'fd00::11', EPOCH)).toMatchObject({
      from: 'fd00::12',
    })
  })
})

describe('authentication', () => {
  const pass = (password: string) =>
    routerOf(0, [150, 100], { version: 2, advertInterval: 1000, authentication: { type: 'pass', password } })
  const open = routerOf(0, [150, 100], { version: 2, advertInterval: 1000 })
  test('in version 2 compares the password as far as it goes on the wire', () => {
    expect(reason(pass('secret'), packet(sent(pass('secret'))))).toBeUndefined()
    expect(reason(pass('secretsecret'), packet(sent(pass('secretseXXXX'))))).toBeUndefined()
    expect(reason(pass('secret'), packet(sent(pass('other'))))).toBe('authentication-failure')
    expect(reason(pass('secret'), packet(sent(open)))).toBe('authentication-type-mismatch')
    expect(reason(open, packet(sent(pass('secret'))))).toBe('authentication-type-mismatch')
  })
  test('of a type that never was', () => {
    const bytes = sent(open)
    bytes[4] = 3
    bytes.writeUInt16BE(bytes.readUInt16BE(6) - 0x300, 6)
    expect(reason(open, packet(bytes))).toBe('invalid-authentication-type')
  })

  const key = { id: 1, key: new Uint8Array(32).fill(1) }
  const next = { id: 2, key: new Uint8Array(32).fill(2) }
  const signed = (changes: Partial<Authentication & { type: 'hmac' }> = {}) =>
    routerOf(0, [150, 100], {
      authentication: { type: 'hmac', keys: [key], activeKey: 1, window: 5000, mode: 'enforce', ...changes },
    })
  test('by HMAC admits what is signed, once', () => {
    const admit = admission()
    const bytes = sent(signed())
    expect(admit(signed(), packet(bytes), OWN, EPOCH)).toMatchObject({ priority: 100 })
    expect(admit(signed(), packet(bytes), OWN, EPOCH)).toMatchObject({ discard: 'hmac-replay' })
  })
  test('by HMAC refuses what is unsigned, but where it is not enforced', () => {
    expect(reason(signed(), packet(sent(multicast)))).toBe('hmac-missing')
    expect(reason(signed({ mode: 'permissive' }), packet(sent(multicast)))).toBeUndefined()
    expect(reason(signed({ mode: 'receive-only' }), packet(sent(signed({ mode: 'receive-only' }))))).toBeUndefined()
  })
  test('by HMAC refuses a wrong signature even where unsigned is let pass', () => {
    const theirs = signed({ keys: [{ id: 1, key: next.key }] })
    expect(reason(signed({ mode: 'permissive' }), packet(sent(theirs)))).toBe('hmac-mismatch')
    expect(reason(signed(), packet(sent(signed({ keys: [next], activeKey: 2 }))))).toBe('hmac-unknown-key')
    expect(reason(signed(), packet(sent(signed(), {}, EPOCH - 60_000)))).toBe('hmac-stale')
  })
  test('keys are rotated without a gap: know the new one everywhere, then sign with it', () => {
    const both = [key, next]
    expect(reason(signed({ keys: both }), packet(sent(signed({ keys: both, activeKey: 2 }))))).toBeUndefined()
  })
  test('a signed advert is admitted by who has no keys', () => {
    expect(reason(multicast, packet(sent(signed())))).toBeUndefined()
  })
})
