import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Datagram, decode, encode, largest } from '../../src/peer/datagram.js'
import { split } from '../../src/peer/split.js'
import type { PeerReport } from '../../src/peer/view.js'

const key = Buffer.from('a key of the pair')
const report: PeerReport = {
  version: '0.1.0',
  configHash: 'abc',
  generation: 3,
  tableReady: true,
  syncReady: false,
  maintenance: false,
  routers: [{ name: 'web', vrid: 51, state: 'backup', priority: 100 }],
}
const override = {
  service: 'web',
  address: '10.9.0.21',
  port: 80,
  verb: 'drain',
  author: 'alice',
  at: 1_000,
} as const
const datagram: Datagram = {
  from: 'd1',
  boot: 'b1',
  seq: 7,
  echo: ['b2'],
  report,
  digest: 'x',
  overrides: [override, { ...override, port: 81, deadline: 2_000, activeOnly: true }],
  routerCount: 1,
}

describe('a peer datagram', () => {
  test('arrives as it was sent', () => {
    expect(decode(encode(datagram, key), [key])).toEqual({ datagram })
  })

  test('is verified with any of the keys, so that a key can be changed without a gap', () => {
    expect(decode(encode(datagram, key), [Buffer.from('new'), key])).toEqual({ datagram })
  })

  test('that another key signed is discarded', () => {
    expect(decode(encode(datagram, Buffer.from('other')), [key])).toEqual({ discard: 'mac' })
    expect(decode(encode(datagram, key), [])).toEqual({ discard: 'mac' })
  })

  test('is discarded when any one of its bytes was changed', () => {
    const bytes = encode(datagram, key)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      expect(decode(changed, [key])).toHaveProperty('discard')
    }
  })

  test.each([
    ['too short', Buffer.alloc(37), 'too-short'],
    ['of another protocol', Buffer.alloc(100), 'no-magic'],
    ['of another version', Buffer.concat([Buffer.from('LVSK\x02'), Buffer.alloc(100)]), 'version'],
  ])('that is %s is discarded with that reason', (_, bytes, discard) => {
    expect(decode(bytes, [key])).toEqual({ discard })
  })

  test.each([
    ['no object', []],
    ['a missing field', { ...datagram, boot: undefined }],
    ['a negative number', { ...datagram, seq: -1 }],
    ['an unknown state', { ...datagram, report: { ...report, routers: [{ ...report.routers[0], state: 'x' }] } }],
    ['an unknown verb', { ...datagram, overrides: [{ ...override, verb: 'explode' }] }],
    ['a deadline that is text', { ...datagram, overrides: [{ ...override, deadline: '1' }] }],
    ['a weight that is text', { ...datagram, overrides: [{ ...override, weight: '1' }] }],
  ])('with a body of the wrong shape (%s) is discarded, although its key is right', (_, body) => {
    expect(decode(encode(body as unknown as Datagram, key), [key])).toEqual({ discard: 'body' })
  })

  test('decoding never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, framed) => {
        const buffer = framed ? Buffer.concat([Buffer.from('LVSK\x01'), bytes]) : Buffer.from(bytes)
        expect(decode(buffer, [key])).toHaveProperty('discard')
      }),
    )
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(decode(encode(value as unknown as Datagram, key), [key])).toEqual({ discard: 'body' })
      }),
    )
  })

  test('fits an unfragmented packet, however much there is to say; nothing is left out', () => {
    const routers = Array.from({ length: 255 }, (_, vrid) => ({
      name: `router-number-${vrid}`,
      vrid,
      state: 'backup' as const,
      priority: 100,
    }))
    const overrides = Array.from({ length: 100 }, (_, port) => ({ ...override, port, reason: 'because of the disk' }))
    const parts = split({ ...report, routers }, overrides, largest)
    const sizes = parts.map(part => encode({ ...datagram, ...part }, key).length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(largest)
    expect(parts.flatMap(part => part.report.routers)).toEqual(routers)
    expect(parts.flatMap(part => part.overrides)).toEqual(overrides)
  })

  test('is one where there is little to say, and one where there is nothing', () => {
    expect(split(report, [override], largest)).toHaveLength(1)
    expect(split({ ...report, routers: [] }, [], largest)).toHaveLength(1)
  })
})
