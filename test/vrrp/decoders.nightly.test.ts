import { expect, test } from 'vitest'
import { decodeArp } from '../../vrrp/arp.js'
import { discardReasons } from '../../vrrp/discard.js'
import { verifyAdvert } from '../../vrrp/hmac.js'
import { decodeAdvertisement } from '../../vrrp/neighbour.js'
import { decodeAdvert, encodeAdvert } from '../../vrrp/packet.js'
import { random } from '../fakes/simulation.js'

const four = { family: 4, source: '10.9.0.11', destination: '224.0.0.18' } as const
const six = { family: 6, source: 'fe80::11', destination: 'ff02::12' } as const

test('millions of packets, random or nearly right, from a seed that is printed: nothing throws, nothing reads past the end', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000)
  const count = Number(process.env['PACKETS'] ?? 3_000_000)
  console.log(`seed ${seed}, ${count} packets`)
  const rnd = random(seed)
  const reasons = new Map<string, number>()
  const good = [
    encodeAdvert({ version: 3, vrid: 51, priority: 150, interval: 100, addresses: ['10.9.0.100'] }, four, {
      pseudoHeader: true,
      sign: () => new Uint8Array(28),
    }),
    encodeAdvert({ version: 2, vrid: 51, priority: 150, interval: 1000, addresses: ['10.9.0.100'] }, four, {
      pseudoHeader: false,
      password: 'secret',
    }),
    encodeAdvert({ version: 3, vrid: 51, priority: 150, interval: 100, addresses: ['fe80::100'] }, six, {
      pseudoHeader: true,
    }),
  ]
  // What lies behind the packet in its buffer must not count: it is different each time.
  const buffer = Buffer.alloc(600)
  for (let i = 0; i < count; i++) {
    const base = rnd.pick(good)
    const near = rnd.chance(0.7)
    const length = near ? Math.max(0, base.length + rnd.int(-3, 3)) : rnd.int(0, 300)
    for (let at = 0; at < length; at++) buffer[at] = near && at < base.length ? base[at]! : rnd.int(0, 255)
    const changes = near ? rnd.int(0, 3) : 0
    for (let change = 0; change < changes && length > 0; change++) buffer[rnd.int(0, length - 1)] = rnd.int(0, 255)
    const packet = buffer.subarray(0, length)
    const wire = rnd.chance(0.5) ? four : six
    const result = decodeAdvert(packet, wire)
    if ('discard' in result) {
      if (!discardReasons.includes(result.discard)) expect(discardReasons).toContain(result.discard)
      reasons.set(result.discard, (reasons.get(result.discard) ?? 0) + 1)
    } else {
      reasons.set('accepted', (reasons.get('accepted') ?? 0) + 1)
      const needed = 8 + result.addresses.length * (wire.family === 4 ? 4 : 16)
      if (needed > length) expect(needed).toBeLessThanOrEqual(length)
      // Bytes behind the end change nothing.
      buffer.fill(rnd.int(0, 255), length)
      const again = decodeAdvert(buffer.subarray(0, length), wire)
      if (JSON.stringify(again) !== JSON.stringify(result)) expect(again).toEqual(result)
    }
    decodeArp(packet)
    decodeAdvertisement(packet)
    if (i % 16 === 0 && length >= 36)
      verifyAdvert(
        packet.subarray(0, length - 28),
        packet.subarray(length - 28),
        { ...four, version: 3, vrid: 51 },
        [{ id: 0, key: new Uint8Array(32) }],
        ...([5000, 0] as const),
      )
  }
  console.log(Object.fromEntries(reasons))
  // Each reason that a decoder can have was met, and so was the good end.
  for (const reason of [
    'accepted',
    'packet-length-error',
    'version-error',
    'invalid-type',
    'vrid-error',
    'checksum-error',
  ])
    expect(reasons.get(reason) ?? 0, reason).toBeGreaterThan(0)
})
