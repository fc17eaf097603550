import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressBytes, addressText, canonicalAddress } from '../../src/ipvs/address.js'
import { address } from './arbitrary.js'

describe('an address', () => {
  test('is spelled as inet_ntop spells it', () => {
    const spelled: [string, string][] = [
      ['10.9.0.1', '10.9.0.1'],
      ['FD00:9:0:0:0:0:0:1', 'fd00:9::1'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['0:0:0:0:0:0:0:1', '::1'],
      ['fe80:0:0:1:0:0:0:0', 'fe80:0:0:1::'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['::ffff:10.9.0.1', '::ffff:10.9.0.1'],
    ]
    for (const [text, canonical] of spelled) expect(canonicalAddress(text)).toBe(canonical)
  })
  test('survives the way to bytes and back', () => {
    fc.assert(
      fc.property(address, text => {
        expect(isIP(text)).not.toBe(0)
        expect(addressText(addressBytes(text))).toBe(text)
      }),
    )
  })
})
