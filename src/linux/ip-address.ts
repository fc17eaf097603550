import { addressText as textAt } from '../../vrrp/address.js'

/** `10.9.0.100`, `fd00:9::100` (RFC 5952) from 4 or 16 bytes. */
export const addressText = (bytes: Uint8Array): string => textAt(bytes, 0, bytes.length === 4 ? 4 : 6)

export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

/** AF_INET, AF_INET6 */
export const familyNumber = (address: string): number => (familyOf(address) === 4 ? 2 : 10)

/** `02:00:0a:09:00:0b`, as ip(8) prints it. */
export const macText = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/..(?=.)/g, '$&:')

export const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex')

/** Whether both lie in the same subnet of `prefix` bits. */
export function sameSubnet(a: Uint8Array, b: Uint8Array, prefix: number): boolean {
  if (a.length !== b.length) return false
  const whole = prefix >> 3
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false
  const mask = (0xff00 >> (prefix & 7)) & 0xff
  return ((a[whole] ?? 0) & mask) === ((b[whole] ?? 0) & mask)
}
