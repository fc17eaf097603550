import { endianness } from 'node:os'

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
  /** One after another in one attribute. */
  u32(type: number, ...values: number[]): AttributeWriter
  /** Null-terminated. */
  text(type: number, value: string): AttributeWriter
  bytes(type: number, value: Uint8Array): AttributeWriter
  nest(type: number, fill: (inner: AttributeWriter) => void): AttributeWriter
  /** A copy of what was written; the writer is empty again. */
  done(): Buffer
}

/** Writes attributes one after another into one growing buffer; made once, it serves for thousands of messages. */
export function attributeWriter(): AttributeWriter {
  let buffer = Buffer.alloc(512)
  let offset = 0

  function open(type: number, size: number): number {
    const end = offset + 4 + ((size + 3) & ~3)
    if (end > buffer.length) buffer = Buffer.concat([buffer, Buffer.alloc(Math.max(buffer.length, end))])
    const at = offset + 4
    put16(buffer, 4 + size, offset)
    put16(buffer, type, offset + 2)
    buffer.fill(0, at, end)
    offset = end
    return at
  }

  const writer: AttributeWriter = {
    u8(type, value) {
      const at = open(type, 1)
      buffer.writeUInt8(value, at)
      return writer
    },
    u16(type, value) {
      const at = open(type, 2)
      put16(buffer, value, at)
      return writer
    },
    u16be(type, value) {
      const at = open(type, 2)
      buffer.writeUInt16BE(value, at)
      return writer
    },
    u32(type, ...values) {
      const at = open(type, 4 * values.length)
      for (const [i, value] of values.entries()) put32(buffer, value >>> 0, at + 4 * i)
      return writer
    },
    text(type, value) {
      return writer.bytes(type, Buffer.from(`${value}\0`))
    },
    bytes(type, value) {
      const at = open(type, value.length)
      buffer.set(value, at)
      return writer
    },
    nest(type, fill) {
      const start = offset
      open(type | NLA_F_NESTED, 0)
      fill(writer)
      put16(buffer, offset - start, start)
      return writer
    },
    done() {
      const written = Buffer.from(buffer.subarray(0, offset))
      offset = 0
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

export function put16(buffer: Buffer, value: number, at: number): void {
  if (little) buffer.writeUInt16LE(value, at)
  else buffer.writeUInt16BE(value, at)
}
export function put32(buffer: Buffer, value: number, at: number): void {
  if (little) buffer.writeUInt32LE(value, at)
  else buffer.writeUInt32BE(value, at)
}
export function get16(buffer: Buffer, at: number): number {
  return little ? buffer.readUInt16LE(at) : buffer.readUInt16BE(at)
}
export function get32(buffer: Buffer, at: number): number {
  return little ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at)
}
