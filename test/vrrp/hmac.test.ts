import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Binding, nextSequence, replayGuard, signAdvert, verifyAdvert } from '../../vrrp/hmac.js'
import { decodeAdvert, encodeAdvert } from '../../vrrp/packet.js'

const key = { id: 7, key: new Uint8Array(32).fill(0x42) }
const other = { id: 8, key: new Uint8Array(32).fill(0x43) }
const binding: Binding = { family: 4, version: 3, vrid: 51, source: '10.9.0.11' }
const wire = { family: 4, source: '10.9.0.11', destination: '224.0.0.18' } as const
const epoch = 1_800_000_000_250
const sequence = nextSequence(0n, epoch)
const advert = { version: 3, vrid: 51, priority: 150, interval: 100, addresses: ['10.9.0.100'] } as const
const sign = (bytes: Uint8Array) => signAdvert(bytes, binding, key, sequence)
const message = encodeAdvert(advert, wire, { pseudoHeader: true, sign })
const body = 12
const check = (bytes = message, keys = [key], at = epoch, bound = binding) =>
  verifyAdvert(bytes.subarray(0, body), bytes.subarray(body), bound, keys, 5000, at)

describe('the trailer', () => {
  test('is 28 bytes after the advert, and the decoder says where', () => {
    expect(message).toHaveLength(body + 28)
    expect(decodeAdvert(message, wire)).toMatchObject({ priority: 150, trailerAt: body, checksum: 'pseudo-header' })
  })
  test('is laid out as keepalived 2.4 lays it out', () => {
    const pseudo = Buffer.from(`040333000a09000b${'00'.repeat(12)}`, 'hex')
    const pdu = Buffer.from('31339601000a00000a090064', 'hex')
    const prefix = Buffer.from(`01070000${(1_800_000_000).toString(16)}40000000`, 'hex')
    const hmac = createHmac('sha256', key.key)
      .update(Buffer.concat([pseudo, pdu, prefix, Buffer.alloc(16)]))
      .digest()
    expect(message.subarray(body)).toEqual(Buffer.concat([prefix, hmac.subarray(0, 16)]))
  })
  test('is not covered by the IPv4 checksum', () => {
    expect(message.subarray(0, body)).toEqual(encodeAdvert(advert, wire, { pseudoHeader: true }))
  })
  test('is covered by the IPv6 checksum, which the kernel would make', () => {
    const six = { family: 6, source: 'fe80::11', destination: 'ff02::12' } as const
    const bound = { ...binding, family: 6, source: 'fe80::11' } as const
    const signed = encodeAdvert({ ...advert, addresses: ['fe80::100'] }, six, {
      pseudoHeader: true,
      sign: bytes => signAdvert(bytes, bound, key, sequence),
    })
    expect(decodeAdvert(signed, six)).toMatchObject({ trailerAt: 24 })
    expect(verifyAdvert(signed.subarray(0, 24), signed.subarray(24), bound, [key], 5000, epoch)).toEqual({ sequence })
    const unsigned = encodeAdvert({ ...advert, addresses: ['fe80::100'] }, six, { pseudoHeader: true })
    expect(signed.subarray(6, 8)).not.toEqual(unsigned.subarray(6, 8))
  })
})

describe('verification', () => {
  test('passes what was signed, with any of the known keys', () => {
    expect(check()).toEqual({ sequence })
    expect(check(message, [other, key])).toEqual({ sequence })
  })
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(message)
    copy[at] = value
    return copy
  }
  test('refuses another type or a reserved field in use', () => {
    expect(check(changed(body, 2))).toEqual({ discard: 'hmac-malformed' })
    expect(check(changed(body + 3, 1))).toEqual({ discard: 'hmac-malformed' })
    expect(verifyAdvert(message, new Uint8Array(3), binding, [key], 5000, epoch)).toEqual({ discard: 'hmac-malformed' })
  })
  test('refuses a key that it does not know', () => {
    expect(check(message, [other])).toEqual({ discard: 'hmac-unknown-key' })
  })
  test('refuses the right key id with the wrong key', () => {
    expect(check(message, [{ id: 7, key: other.key }])).toEqual({ discard: 'hmac-mismatch' })
  })
  test('refuses what is older or newer than the window', () => {
    expect(check(message, [key], epoch + 5000)).toEqual({ sequence })
    expect(check(message, [key], epoch + 6000)).toEqual({ discard: 'hmac-stale' })
    expect(check(message, [key], epoch - 6000)).toEqual({ discard: 'hmac-stale' })
  })
  test('refuses the same bytes for another router or from another sender', () => {
    expect(check(message, [key], epoch, { ...binding, vrid: 52 })).toEqual({ discard: 'hmac-mismatch' })
    expect(check(message, [key], epoch, { ...binding, source: '10.9.0.12' })).toEqual({ discard: 'hmac-mismatch' })
  })
  test('refuses any changed bit but those of the checksum', () => {
    fc.assert(
      fc.property(fc.nat(message.length * 8 - 1), bit => {
        const at = bit >> 3
        fc.pre(at !== 6 && at !== 7)
        expect(check(changed(at, message[at]! ^ (1 << (bit & 7))))).toHaveProperty('discard')
      }),
      { numRuns: 300 },
    )
  })
})

describe('the sequence', () => {
  test('grows though the clock stands still or goes back', () => {
    const first = nextSequence(0n, epoch)
    const second = nextSequence(first, epoch)
    const third = nextSequence(second, epoch - 10_000)
    expect(second).toBe(first + 1n)
    expect(third).toBe(second + 1n)
    expect(nextSequence(third, epoch + 1)).toBeGreaterThan(third)
  })
})

describe('the replay guard', () => {
  test('accepts growing sequences only, per sender', () => {
    const guard = replayGuard()
    expect(guard.accept('10.9.0.11', 5n)).toBe(true)
    expect(guard.accept('10.9.0.11', 5n)).toBe(false)
    expect(guard.accept('10.9.0.11', 4n)).toBe(false)
    expect(guard.accept('10.9.0.12', 4n)).toBe(true)
    expect(guard.accept('10.9.0.11', 6n)).toBe(true)
  })
  test('goes on over the end of the 64 bits', () => {
    const guard = replayGuard()
    expect(guard.accept('10.9.0.11', (1n << 64n) - 1n)).toBe(true)
    expect(guard.accept('10.9.0.11', 3n)).toBe(true)
  })
  test('forgets the sender longest unheard when there are too many', () => {
    const guard = replayGuard(2)
    guard.accept('10.9.0.1', 5n)
    guard.accept('10.9.0.2', 5n)
    guard.accept('10.9.0.1', 6n)
    guard.accept('10.9.0.3', 5n)
    expect(guard.accept('10.9.0.1', 6n)).toBe(false)
    expect(guard.accept('10.9.0.2', 5n)).toBe(true)
  })
})
