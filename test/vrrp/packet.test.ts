import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressText } from '../../vrrp/address.js'
import { discardReasons } from '../../vrrp/discard.js'
import { type Advert, decodeAdvert, encodeAdvert, peekVrid } from '../../vrrp/packet.js'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')
const onWire4 = { family: 4, source: '10.9.0.11', destination: '224.0.0.18' } as const
const onWire6 = { family: 6, source: 'fe80::11', destination: 'ff02::12' } as const

/** What keepalived 2.2.7 put on the wire (tcpdump, IP header cut off). */
const golden = {
  v2: bytes('2133 9602 0101 f6a1 0a090064 0a090065 7365637265740000'),
  v2Leave: bytes('2133 0002 0101 8ca2 0a090064 0a090065 7365637265740000'),
  v3: bytes('3133 9602 0064 38e4 0a090064 0a090065'),
  v3Leave: bytes('3133 0002 0064 cee4 0a090064 0a090065'),
  v6: bytes('3133 9602 0064 3c9c fe800000000000000000000000000100 fd000009000000000000000000000100'),
}
/** RFC 9568 5.2.8 by hand: the complement of 3133 + 9601 + 0064 + 0a09 + 0064. */
const v3Plain = bytes('3133 9601 0064 2dfa 0a090064')
const two = ['10.9.0.100', '10.9.0.101']
const v3: Advert = { version: 3, vrid: 51, priority: 150, interval: 1000, addresses: two }
const v2: Advert = { ...v3, version: 2 }
const withHeader = { pseudoHeader: true }
const plain = { pseudoHeader: false }

describe('an advert as keepalived sends it is what we encode', () => {
  test('version 3, IPv4, with the pseudo-header', () =>
    expect(encodeAdvert(v3, onWire4, withHeader)).toEqual(golden.v3))
  test('version 3, IPv4, leaving', () =>
    expect(encodeAdvert({ ...v3, priority: 0 }, onWire4, withHeader)).toEqual(golden.v3Leave))
  test('version 3, IPv4, plain', () =>
    expect(encodeAdvert({ ...v3, addresses: ['10.9.0.100'] }, onWire4, plain)).toEqual(v3Plain))
  test('version 3, IPv6', () =>
    expect(encodeAdvert({ ...v3, addresses: ['fe80::100', 'fd00:9::100'] }, onWire6, plain)).toEqual(golden.v6))
  test('version 2 with a password', () =>
    expect(encodeAdvert(v2, onWire4, { ...plain, password: 'secret' })).toEqual(golden.v2))
  test('a password longer than 8 bytes is cut as keepalived cuts it', () =>
    expect(
      encodeAdvert(v2, onWire4, { ...plain, password: 'secretsecret' })
        .subarray(16)
        .toString(),
    ).toBe('secretse'))
  test('intervals go out in centiseconds, at most 40.95 s', () => {
    expect(encodeAdvert({ ...v3, interval: 100 }, onWire4, withHeader).readUInt16BE(4)).toBe(10)
    expect(encodeAdvert({ ...v3, interval: 10 }, onWire4, withHeader).readUInt16BE(4)).toBe(1)
    expect(encodeAdvert({ ...v3, interval: 99_999 }, onWire4, withHeader).readUInt16BE(4)).toBe(4095)
  })
  test('an address of the other family is the caller’s mistake', () =>
    expect(() => encodeAdvert({ ...v3, addresses: ['::1'] }, onWire4, withHeader)).toThrow(RangeError))
})

describe('an advert that keepalived sent is what we decode', () => {
  test('version 3 with the pseudo-header', () =>
    expect(decodeAdvert(golden.v3, onWire4)).toEqual({ ...v3, checksum: 'pseudo-header' }))
  test('version 3 plain', () =>
    expect(decodeAdvert(v3Plain, onWire4)).toEqual({ ...v3, addresses: ['10.9.0.100'], checksum: 'plain' }))
  test('version 3, IPv6', () =>
    expect(decodeAdvert(golden.v6, onWire6)).toEqual({
      ...v3,
      addresses: ['fe80::100', 'fd00:9::100'],
      checksum: 'pseudo-header',
    }))
  test('version 2 with its password', () =>
    expect(decodeAdvert(golden.v2, onWire4)).toEqual({
      ...v2,
      checksum: 'plain',
      authentication: { type: 1, data: 'secret' },
    }))
  test('priority 0', () => {
    expect(decodeAdvert(golden.v3Leave, onWire4)).toMatchObject({ priority: 0 })
    expect(decodeAdvert(golden.v2Leave, onWire4)).toMatchObject({ priority: 0 })
  })
  test('behind other bytes of the same buffer', () => {
    const dirty = Buffer.concat([Buffer.alloc(13, 0xa5), golden.v3, Buffer.alloc(9, 0xa5)])
    expect(decodeAdvert(dirty.subarray(13, 13 + golden.v3.length), onWire4)).toMatchObject({ vrid: 51 })
  })
  test('the reserved bits of version 3 are ignored', () => {
    const message = Buffer.from(golden.v3)
    message[4]! |= 0xa0
    message.writeUInt16BE(
      message.readUInt16BE(6) - 0xa000 + 0x10000 - (message.readUInt16BE(6) < 0xa000 ? 1 : 0x10000),
      6,
    )
    expect(decodeAdvert(message, onWire4)).toMatchObject({ interval: 1000 })
  })
  test('the vrid can be had without reading the rest', () => {
    expect(peekVrid(golden.v3)).toBe(51)
    expect(peekVrid(golden.v3.subarray(0, 7))).toBeUndefined()
  })
})

describe('what is no advert is discarded with its reason', () => {
  const mutated = (at: number, value: number, from = golden.v3) => {
    const copy = Buffer.from(from)
    copy[at] = value
    return copy
  }
  const cases: [string, Buffer, (typeof discardReasons)[number]][] = [
    ['nothing', Buffer.alloc(0), 'packet-length-error'],
    ['seven bytes', golden.v3.subarray(0, 7), 'packet-length-error'],
    ['an address too few', golden.v3.subarray(0, 12), 'packet-length-error'],
    ['version 2 without its authentication data', golden.v2.subarray(0, 16), 'packet-length-error'],
    ['a count that promises more', mutated(3, 255), 'packet-length-error'],
    ['version 4', mutated(0, 0x41), 'version-error'],
    ['version 1', mutated(0, 0x11), 'version-error'],
    ['type 2', mutated(0, 0x32), 'invalid-type'],
    ['vrid 0', mutated(1, 0), 'vrid-error'],
    ['interval 0 in version 3', mutated(5, 0), 'interval-error'],
    ['interval 0 in version 2', mutated(5, 0, golden.v2), 'interval-error'],
    ['another priority', mutated(2, 255), 'checksum-error'],
    ['another address', mutated(15, 0x66), 'checksum-error'],
    ['another password', mutated(17, 0x66, golden.v2), 'checksum-error'],
  ]
  test.each(cases)('%s', (_, message, discard) => expect(decodeAdvert(message, onWire4)).toEqual({ discard }))
  test('version 2 in IPv6', () => expect(decodeAdvert(golden.v2, onWire6)).toEqual({ discard: 'version-error' }))
  test('a pseudo-header of another destination', () =>
    expect(decodeAdvert(golden.v3, { ...onWire4, destination: '10.9.0.12' })).toEqual({ discard: 'checksum-error' }))
  test('IPv6 without its pseudo-header', () => {
    const message = encodeAdvert(v3, onWire4, plain)
    expect(decodeAdvert(message, onWire6)).toMatchObject({ discard: expect.anything() })
  })
})

describe('whatever arrives', () => {
  const envelope = fc.constantFrom(onWire4, onWire6)
  test('garbage never throws and is never taken for an advert with more addresses than it has bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), envelope, (message, wire) => {
        const result = decodeAdvert(message, wire)
        if ('discard' in result) expect(discardReasons).toContain(result.discard)
        else expect(8 + result.addresses.length * (wire.family === 4 ? 4 : 16)).toBeLessThanOrEqual(message.length)
      }),
      { numRuns: 3000 },
    )
  })
  test('a single wrong bit is noticed', () => {
    fc.assert(
      fc.property(fc.nat(golden.v3.length * 8 - 1), bit => {
        // The reserved bits change nothing that counts, but the checksum covers them as well.
        const message = Buffer.from(golden.v3)
        message[bit >> 3]! ^= 1 << (bit & 7)
        expect(decodeAdvert(message, onWire4)).toHaveProperty('discard')
      }),
      { numRuns: 300 },
    )
  })
  test('what was encoded is decoded again', () => {
    const vrid = fc.integer({ min: 1, max: 255 })
    const byte = fc.nat(255)
    const address4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(raw => addressText(raw, 0, 4))
    const address6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(raw => addressText(raw, 0, 6))
    const centiseconds = fc.integer({ min: 1, max: 4095 })
    const any = fc.oneof(
      fc.tuple(fc.constant(onWire4), fc.array(address4, { maxLength: 255 })),
      fc.tuple(fc.constant(onWire6), fc.array(address6, { maxLength: 40 })),
    )
    fc.assert(
      fc.property(vrid, byte, centiseconds, any, fc.boolean(), (id, priority, interval, [wire, addresses], pseudo) => {
        const advert: Advert = { version: 3, vrid: id, priority, interval: interval * 10, addresses }
        const decoded = decodeAdvert(encodeAdvert(advert, wire, { pseudoHeader: pseudo }), wire)
        expect(decoded).toMatchObject(advert)
      }),
      { numRuns: 300 },
    )
  })
})
