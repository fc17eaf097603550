import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arpConflict, arpProbe, decodeArp, encodeArp, gratuitousArp } from '../../vrrp/arp.js'
import { decodeAdvertisement, neighbourProbe, solicitedNode, unsolicitedAdvertisement } from '../../vrrp/neighbour.js'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')
const mac = bytes('2ea13c59e71f')
const foreign = bytes('020000000099')

describe('gratuitous ARP', () => {
  test('in the request form is what keepalived 2.2.7 sent', () =>
    expect(gratuitousArp('request', mac, '10.9.0.100')).toEqual(
      bytes('ffffffffffff 2ea13c59e71f 0806 0001 0800 06 04 0001 2ea13c59e71f 0a090064 ffffffffffff 0a090064'),
    ))
  test('in the reply form names the own MAC as target', () =>
    expect(gratuitousArp('reply', mac, '10.9.0.100')).toEqual(
      bytes('ffffffffffff 2ea13c59e71f 0806 0001 0800 06 04 0002 2ea13c59e71f 0a090064 2ea13c59e71f 0a090064'),
    ))
  test('a probe claims nothing: its sender address is 0.0.0.0', () =>
    expect(arpProbe(mac, '10.9.0.100')).toEqual(
      bytes('ffffffffffff 2ea13c59e71f 0806 0001 0800 06 04 0001 2ea13c59e71f 00000000 000000000000 0a090064'),
    ))
  test('is decoded again, padded or not', () => {
    const frame = Buffer.concat([gratuitousArp('reply', mac, '10.9.0.100'), Buffer.alloc(18)])
    const packet = decodeArp(frame)
    expect(packet).toMatchObject({ operation: 'reply', senderAddress: '10.9.0.100', targetAddress: '10.9.0.100' })
    expect(encodeArp(packet!)).toEqual(frame.subarray(0, 42))
  })
  test.each([
    ['a short frame', bytes('ffffffffffff2ea13c59e71f0806')],
    ['another ether type', gratuitousArp('request', mac, '10.9.0.1').fill(0x86, 12, 13)],
    ['another hardware', gratuitousArp('request', mac, '10.9.0.1').fill(6, 15, 16)],
    ['other address lengths', gratuitousArp('request', mac, '10.9.0.1').fill(8, 18, 19)],
    ['another operation', gratuitousArp('request', mac, '10.9.0.1').fill(3, 21, 22)],
  ])('%s is not ARP for us', (_, frame) => expect(decodeArp(frame)).toBeUndefined())
  test('a conflict is another MAC that says it has the address', () => {
    const theirs = gratuitousArp('reply', foreign, '10.9.0.100')
    expect(arpConflict(theirs, '10.9.0.100', [mac])).toEqual(Uint8Array.from(foreign))
    expect(arpConflict(theirs, '10.9.0.101', [mac])).toBeUndefined()
    expect(arpConflict(gratuitousArp('reply', mac, '10.9.0.100'), '10.9.0.100', [mac])).toBeUndefined()
    expect(arpConflict(arpProbe(foreign, '10.9.0.100'), '10.9.0.100', [mac])).toBeUndefined()
  })
})

describe('the unsolicited neighbour advertisement', () => {
  const captured = bytes(`333300000001 be4565eb9115 86dd 60000000 0020 3a ff
    fe800000000000000000000000000100 ff020000000000000000000000000001
    88 00 a257 20000000 fe800000000000000000000000000100 02 01 be4565eb9115`)
  const itsMac = bytes('be4565eb9115')
  test('is what keepalived 2.2.7 sent', () =>
    expect(unsolicitedAdvertisement(itsMac, 'fe80::100', false)).toEqual(captured))
  test('says so when this machine forwards', () =>
    expect(decodeAdvertisement(unsolicitedAdvertisement(itsMac, 'fe80::100', true))).toMatchObject({ router: true }))
  test('is decoded again', () =>
    expect(decodeAdvertisement(captured)).toEqual({
      source: 'fe80::100',
      target: 'fe80::100',
      router: false,
      solicited: false,
      override: true,
      mac: Uint8Array.from(itsMac),
    }))
  test('a wrong bit is noticed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 22 * 8, max: captured.length * 8 - 1 }), bit => {
        const frame = Buffer.from(captured)
        frame[bit >> 3]! ^= 1 << (bit & 7)
        expect(decodeAdvertisement(frame)).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })
  test('a hop limit below 255 has crossed a router', () => {
    const frame = Buffer.from(captured)
    frame[21] = 64
    expect(decodeAdvertisement(frame)).toBeUndefined()
  })
  test('a probe asks the solicited-node group from the unspecified address, with an intact checksum', () => {
    expect(solicitedNode('fd00:9::1:2345')).toBe('ff02::1:ff01:2345')
    expect(neighbourProbe(mac, 'fd00:9::100')).toEqual(
      bytes(`3333ff000100 2ea13c59e71f 86dd 60000000 0018 3a ff
        00000000000000000000000000000000 ff0200000000000000000001ff000100
        87 00 7b9e 00000000 fd000009000000000000000000000100`),
    )
  })
})

test('garbage never makes the decoders throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), frame => {
      decodeArp(frame)
      decodeAdvertisement(frame)
      expect(arpConflict(frame, '10.9.0.100', [mac])?.length ?? 6).toBe(6)
    }),
    { numRuns: 2000 },
  )
})
