import { createHmac, timingSafeEqual } from 'node:crypto'
import { addressBytes, canonical } from './address.js'
import type { DiscardReason } from './discard.js'
import { TRAILER_LENGTH } from './packet.js'
import type { Family, Millis } from './ports.js'

/*
 * The trailer of keepalived 2.4's auth_hmac, after a version 3 advert:
 *   type 1(1) key id(1) reserved 0(2) | seconds(4) | fraction of 1/65536 s(2) counter(2) | HMAC-SHA256, first 16 bytes
 * The HMAC covers: family(1) version(1) vrid(1) 0(1) source address padded to 16 | the advert, checksum zero |
 * the first 12 bytes of the trailer | 16 zero bytes. Seconds, fraction and counter are one 64-bit sequence.
 */
const TYPE_SHA256 = 1
const SIGNED_PART = 12
const NO_HMAC = Buffer.alloc(16)

export type Key = { readonly id: number; readonly key: Uint8Array }
/** What the HMAC binds an advert to, so that it cannot be passed off as another router's or another sender's. */
export type Binding = {
  readonly family: Family
  readonly version: 2 | 3
  readonly vrid: number
  readonly source: string
}

/** The 28 bytes that follow `advert`. */
export function signAdvert(advert: Uint8Array, binding: Binding, key: Key, sequence: bigint): Buffer {
  const trailer = Buffer.alloc(TRAILER_LENGTH)
  trailer[0] = TYPE_SHA256
  trailer[1] = key.id
  trailer.writeBigUInt64BE(BigInt.asUintN(64, sequence), 4)
  trailer.set(digest(advert, binding, key, trailer), SIGNED_PART)
  return trailer
}

/** Strictly growing: the clock, or one more than the last where the clock stood still or went back. */
export function nextSequence(last: bigint, epoch: Millis): bigint {
  const seconds = BigInt(Math.floor(epoch / 1000))
  const fraction = BigInt(Math.floor(((epoch % 1000) * 65536) / 1000))
  const clock = (seconds << 32n) | (fraction << 16n)
  return clock > last ? clock : last + 1n
}

export type Verification = { readonly sequence: bigint } | { readonly discard: DiscardReason }

/** Checks form, age, key and HMAC; the caller then asks the replay guard. `window` and `epoch` in ms. */
export function verifyAdvert(
  advert: Uint8Array,
  trailer: Uint8Array,
  binding: Binding,
  keys: readonly Key[],
  window: Millis,
  epoch: Millis,
): Verification {
  if (trailer.length !== TRAILER_LENGTH) return { discard: 'hmac-malformed' }
  const bytes = Buffer.from(trailer)
  if (bytes[0] !== TYPE_SHA256 || bytes.readUInt16BE(2) !== 0) return { discard: 'hmac-malformed' }
  // Age first: a flood of recorded packets must not cost a digest each.
  const sequence = bytes.readBigUInt64BE(4)
  const seconds = Number(sequence >> 32n)
  if (Math.abs(Math.floor(epoch / 1000) - seconds) > Math.ceil(window / 1000)) return { discard: 'hmac-stale' }
  const key = keys.find(candidate => candidate.id === bytes[1])
  if (!key) return { discard: 'hmac-unknown-key' }
  if (!timingSafeEqual(digest(advert, binding, key, bytes), bytes.subarray(SIGNED_PART)))
    return { discard: 'hmac-mismatch' }
  return { sequence }
}

/** Remembers the newest sequence of each sender; only ever asked about verified adverts, so forgeries cannot fill it. */
export function replayGuard(senders = 4): { accept(source: string, sequence: bigint): boolean } {
  // Insertion order is age: the sender longest unheard is forgotten first.
  const newest = new Map<string, bigint>()
  return {
    accept(source, sequence) {
      const sender = canonical(source)
      const last = newest.get(sender)
      if (last !== undefined && BigInt.asIntN(64, sequence - last) <= 0n) return false
      newest.delete(sender)
      newest.set(sender, sequence)
      const oldest = newest.size > senders ? newest.keys().next().value : undefined
      if (oldest !== undefined) newest.delete(oldest)
      return true
    },
  }
}

function digest(advert: Uint8Array, binding: Binding, key: Key, trailer: Uint8Array): Buffer {
  const pseudo = Buffer.alloc(20)
  pseudo[0] = binding.family
  pseudo[1] = binding.version
  pseudo[2] = binding.vrid
  pseudo.set(addressBytes(binding.source), 4)
  const bare = Buffer.from(advert)
  bare.writeUInt16BE(0, 6)
  const hmac = createHmac('sha256', key.key).update(pseudo).update(bare)
  return hmac.update(trailer.subarray(0, SIGNED_PART)).update(NO_HMAC).digest().subarray(0, 16)
}
