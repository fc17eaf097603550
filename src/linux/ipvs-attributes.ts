import { endianness } from 'node:os'
import { addressBytes, putQuad } from '../ipvs/address.js'

/**
 * Netlink attributes (linux/netlink.h, struct nlattr), written and read without copies:
 *
 *    0                   1                   2                   3
 *   |         nla_len (header + payload)  |  N|O| nla_type            |
 *   |  payload, then zeroes up to the next multiple of 4 ...          |
 *
 * Numbers are in the byte order of this machine unless the name says otherwise.
 */
const NLA_F_NESTED = 0x8000
const NLA_TYPE_MASK = 0x3fff
const little = endianness() === 'LE'

export type AttributeWriter = {
  u8(type: number, value: number): AttributeWriter
  u16(type: number, value: number): AttributeWriter
  u16be(type: number, value: number): AttributeWriter
  /** One number, or two behind each other. */
  u32(type: number, value: number, second?: number): AttributeWriter
  /** Null-terminated, one byte a character. */
  text(type: number, value: string): AttributeWriter
  bytes(type: number, value: Uint8Array): AttributeWriter
  /** union nf_inet_addr: always 16 bytes, IPv4 in the first four. */
  inet(type: number, address: string): AttributeWriter
  nest(type: number, fill: (inner: AttributeWriter) => void): AttributeWriter
  /** Whole attributes that were written before. */
  copy(written: Uint8Array): AttributeWriter
  /** Makes room for something that is no attribute, such as a header; zeroed. Returns where it starts. */
  reserve(size: number): number
  size(): number
  /** Writes over what was reserved or copied. */
  patch8(at: number, value: number): void
  patch16(at: number, value: number): void
  patch32(at: number, value: number): void
  /** What was written so far, in place: valid until the next write. */
  view(): Buffer
  reset(): void
  /** A copy of what was written; the writer is empty again. */
  done(): Buffer
}

/** Writes attributes one after another into one growing buffer; made once, it serves for thousands of messages. */
export function attributeWriter(): AttributeWriter {
  // Always zero behind `offset`, so that padding costs nothing. A DataView is several times faster than Buffer's own
  // methods until the code is warm, and a table is mostly written once, at the start.
  let buffer = Buffer.alloc(4096)
  let data = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  let offset = 0

  function reserve(size: number): number {
    const at = offset
    offset += (size + 3) & ~3
    if (offset > buffer.length) {
      buffer = Buffer.concat([buffer], Math.max(2 * buffer.length, offset))
      data = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
    }
    return at
  }

  function open(type: number, size: number): number {
    const at = reserve(4 + size)
    data.setUint16(at, 4 + size, little)
    data.setUint16(at + 2, type, little)
    return at + 4
  }

  function reset(): void {
    buffer.fill(0, 0, offset)
    offset = 0
  }

  const writer: AttributeWriter = {
    u8(type, value) {
      const at = open(type, 1)
      data.setUint8(at, value)
      return writer
    },
    u16(type, value) {
      const at = open(type, 2)
      data.setUint16(at, value, little)
      return writer
    },
    u16be(type, value) {
      const at = open(type, 2)
      data.setUint16(at, value)
      return writer
    },
    u32(type, value, second) {
      const at = open(type, second === undefined ? 4 : 8)
      data.setUint32(at, value, little)
      if (second !== undefined) data.setUint32(at + 4, second, little)
      return writer
    },
    text(type, value) {
      const at = open(type, value.length + 1)
      buffer.write(value, at, 'latin1')
      return writer
    },
    bytes(type, value) {
      const at = open(type, value.length)
      buffer.set(value, at)
      return writer
    },
    inet(type, address) {
      const at = open(type, 16)
      if (!putQuad(address, buffer, at)) buffer.set(addressBytes(address), at)
      return writer
    },
    nest(type, fill) {
      const start = offset
      open(type | NLA_F_NESTED, 0)
      fill(writer)
      data.setUint16(start, offset - start, little)
      return writer
    },
    copy(written) {
      const at = reserve(written.length)
      buffer.set(written, at)
      return writer
    },
    reserve,
    size: () => offset,
    patch8: (at, value) => data.setUint8(at, value),
    patch16: (at, value) => data.setUint16(at, value, little),
    patch32: (at, value) => data.setUint32(at, value, little),
    view: () => buffer.subarray(0, offset),
    reset,
    done() {
      const written = Buffer.from(buffer.subarray(0, offset))
      reset()
      return written
    },
  }
  return writer
}

/** Attributes by type; a later one of the same type wins, a truncated tail is dropped. */
export type Attributes = ReadonlyMap<number, Buffer>

/** Splits a run of attributes. Never throws: what does not fit its own length ends the run. */
export function readAttributes(data: Buffer): Attributes {
  const found = new Map<number, Buffer>()
  for (let offset = 0; offset + 4 <= data.length; ) {
    const length = get16(data, offset)
    if (length < 4 || offset + length > data.length) break
    found.set(get16(data, offset + 2) & NLA_TYPE_MASK, data.subarray(offset + 4, offset + length))
    offset += (length + 3) & ~3
  }
  return found
}

/** An unsigned number of whatever width the kernel chose (1, 2, 4 or 8 bytes); undefined when absent or of another size. */
export function numberOf(attribute: Buffer | undefined): number | undefined {
  switch (attribute?.length) {
    case 1:
      return attribute.readUInt8(0)
    case 2:
      return get16(attribute, 0)
    case 4:
      return get32(attribute, 0)
    case 8:
      return Number(little ? attribute.readBigUInt64LE(0) : attribute.readBigUInt64BE(0))
    default:
      return undefined
  }
}

/** A port as it is on the wire. */
export function portOf(attribute: Buffer | undefined): number | undefined {
  return attribute?.length === 2 ? attribute.readUInt16BE(0) : undefined
}

/** Text up to its null byte. */
export function textOf(attribute: Buffer | undefined): string | undefined {
  if (!attribute) return undefined
  const end = attribute.indexOf(0)
  return attribute.toString('latin1', 0, end < 0 ? attribute.length : end)
}

export function get16(buffer: Buffer, at: number): number {
  return little ? buffer.readUInt16LE(at) : buffer.readUInt16BE(at)
}
export function get32(buffer: Buffer, at: number): number {
  return little ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at)
}
