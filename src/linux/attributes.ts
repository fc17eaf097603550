/** Routing attributes (struct rtattr): length with its header, type, payload, padding to four bytes; host byte order. */
export type Attributes = ReadonlyMap<number, Buffer>

/** One attribute: bytes as they are, a number as four of them, a text with its final zero, or attributes nested in it. */
export function attribute(type: number, payload: Uint8Array | number | string | readonly Buffer[]): Buffer {
  const data = bytesOf(payload)
  const length = 4 + data.length
  const bytes = Buffer.alloc((length + 3) & ~3)
  bytes.writeUInt16LE(length, 0)
  bytes.writeUInt16LE(Array.isArray(payload) ? type | nested : type, 2)
  bytes.set(data, 4)
  return bytes
}

/** NLA_F_NESTED; the two highest bits are flags. */
const nested = 0x8000
const typeMask = 0x3fff

/** Reads attributes from `offset` on. A truncated one ends the list. */
export function parseAttributes(data: Buffer, offset = 0): Attributes {
  const found = new Map<number, Buffer>()
  let at = offset
  while (at + 4 <= data.length) {
    const length = data.readUInt16LE(at)
    if (length < 4 || at + length > data.length) break
    found.set(data.readUInt16LE(at + 2) & typeMask, data.subarray(at + 4, at + length))
    at += (length + 3) & ~3
  }
  return found
}

/** A name as the kernel sends it: bytes up to the final zero; empty where it is missing. */
export function textOf(attributes: Attributes, type: number): string {
  const bytes = attributes.get(type)
  if (!bytes) return ''
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
}

export const numberOf = (attributes: Attributes, type: number): number => attributes.get(type)?.readUInt32LE(0) ?? 0

function bytesOf(payload: Uint8Array | number | string | readonly Buffer[]): Uint8Array {
  if (typeof payload === 'string') return Buffer.from(`${payload}\0`)
  if (typeof payload === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(payload >>> 0)
    return bytes
  }
  return payload instanceof Uint8Array ? payload : Buffer.concat(payload)
}
