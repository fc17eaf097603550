/** Sum of 16-bit words, carried on between pieces of even length (RFC 1071). */
export function sum16(bytes: Uint8Array, start = 0, length = bytes.length, sum = 0): number {
  const end = start + length
  let total = sum
  for (let i = start; i + 1 < end; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)
  if (length % 2 === 1) total += (bytes[end - 1] ?? 0) << 8
  return total
}

/** Folds the carries in; 0xffff means that data which holds its own checksum is intact. */
export function fold(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000)
  return folded
}

/** The sum over the pseudo-header of IPv4 (RFC 9568 5.2.8, as keepalived builds it) or IPv6 (RFC 8200 8.1). */
export function pseudoHeader(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  return sum16(source) + sum16(destination) + protocol + length
}
