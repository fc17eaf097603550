import ipaddr from 'ipaddr.js'

/** The one spelling of an address that the table uses: what inet_ntop prints. Throws on what is no address. */
export function canonicalAddress(text: string): string {
  return addressText(addressBytes(text))
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

/** 4 or 16 bytes in network order. Throws on what is no address. */
export function addressBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(4)
  return putQuad(text, bytes, 0) ? bytes : Uint8Array.from(ipaddr.parse(text).toByteArray())
}

/** Writes a plain dotted quad; false, and rubbish written, when it is not one. Fast: tables have tens of thousands. */
export function putQuad(text: string, out: Uint8Array, at: number): boolean {
  let part = 0
  let digits = 0
  let value = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? DOT : text.charCodeAt(i)
    if (code === DOT) {
      if (digits === 0 || value > 255 || part > 3) return false
      out[at + part++] = value
      digits = 0
      value = 0
    } else {
      // A leading zero might mean octal to somebody.
      if (code < ZERO || code > ZERO + 9 || digits === 3 || (digits > 0 && value === 0)) return false
      value = value * 10 + code - ZERO
      digits++
    }
  }
  return part === 4
}

const DOT = 0x2e
const ZERO = 0x30

/** Dotted quad for 4 bytes; RFC 5952 for 16, with the dotted tail that inet_ntop gives mapped addresses. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0))
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff)
    return `::ffff:${bytes.subarray(12, 16).join('.')}`
  const { start, length } = longestZeroes(groups)
  const hex = groups.map(group => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

/** RFC 5952 section 4.2: the first of the longest runs of zero groups. */
function longestZeroes(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start > best.length) best = { start, length: end - start }
    start = Math.max(start, end)
  }
  return best
}
