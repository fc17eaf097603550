import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseServiceKey, serviceKey } from '../../src/ipvs/table.js'
import { serviceId } from './arbitrary.js'

describe('the key of a service', () => {
  test('can be read back', () => {
    fc.assert(
      fc.property(serviceId, id => {
        expect(parseServiceKey(serviceKey(id))).toEqual(id)
      }),
    )
  })
  test('is nothing else', () => {
    for (const text of ['', 'tcp', 'tcp 10.9.0.1', 'icmp 10.9.0.1:80', 'mark x ipv4', 'mark 7 ipv5', 'tcp fd00::1:80'])
      expect(parseServiceKey(text)).toBeUndefined()
  })
})
