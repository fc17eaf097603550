import { createHash } from 'node:crypto'

/** Marks of our own begin with these 12 bits: 0x4C5 of `LV`. */
const base = 0x4c500000
const width = 0x100000

/** A firewall mark of our own for one path, the same on every director and after every reload; `taken` grows by it. */
export function pathMark(identity: string, taken: Set<number>): number {
  let offset = createHash('sha256').update(identity).digest().readUInt32BE(0) % width
  while (taken.has(base + offset)) offset = (offset + 1) % width
  taken.add(base + offset)
  return base + offset
}
