import ipaddr from 'ipaddr.js'
import type { Family } from './ports.js'

/** The 4 or 16 bytes of an address as text (a zone such as `%eth0` is dropped). Throws on what is no address. */
export function addressBytes(address: string): Uint8Array {
  const known = cache.get(address)
  if (known) return known
  const bytes = Uint8Array.from(ipaddr.parse(address.split('%', 1)[0] ?? '').toByteArray())
  // Sources on a segment are few; an attacker's are not.
  if (cache.size >= 1024) cache.clear()
  cache.set(address, bytes)
  return bytes
}

const cache = new Map<string, Uint8Array>()

/** The canonical text (RFC 5952 for IPv6) of the address at `offset`. */
export function addressText(bytes: Uint8Array, offset: number, family: Family): string {
  if (family === 4) return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`
  return new ipaddr.IPv6([...bytes.subarray(offset, offset + 16)]).toRFC5952String()
}

/** One spelling per address, so that texts can be compared. */
export function canonical(address: string): string {
  const known = texts.get(address)
  if (known !== undefined) return known
  const bytes = addressBytes(address)
  const text = addressText(bytes, 0, bytes.length === 4 ? 4 : 6)
  if (texts.size >= 1024) texts.clear()
  texts.set(address, text)
  return text
}

const texts = new Map<string, string>()

/** Numerically, as the election does: below 0, 0 or above 0. */
export function compareAddresses(a: string, b: string): number {
  return Buffer.compare(addressBytes(a), addressBytes(b))
}
