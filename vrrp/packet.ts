import { addressBytes, addressText } from './address.js'
import { fold, pseudoHeader, sum16 } from './checksum.js'
import type { DiscardReason } from './discard.js'
import type { Family, Millis } from './ports.js'

/*
 *   Version 3 (RFC 9568 5.1)                 Version 2 (RFC 3768 5.1)
 *    0               1                2               3
 *   +-------+-------+---------------+---------------+---------------+
 *   |Version| Type=1|     VRID      |   Priority    |     Count     |
 *   +-------+-------+---------------+---------------+---------------+
 *   |rsvd(4)| interval, centisec.   |           Checksum            |   v2: auth type, interval in seconds, checksum
 *   +-------+-----------------------+---------------+---------------+
 *   |                  Count addresses of 4 or 16 bytes             |
 *   +---------------------------------------------------------------+
 *   | v2: 8 bytes of authentication data   v3: optional HMAC trailer (hmac.ts)
 */
const HEADER = 8
const ADVERTISEMENT = 1
const VRRP = 112
export const TRAILER_LENGTH = 28

/** What one advert says. */
export type Advert = {
  readonly version: 2 | 3
  readonly vrid: number
  /** 0: the master leaves. */
  readonly priority: number
  /** On the wire whole seconds (version 2) or centiseconds, at most 40.95 s (version 3). */
  readonly interval: Millis
  readonly addresses: readonly string[]
}

/** The IP header's share in the checksum. */
export type Envelope = { readonly family: Family; readonly source: string; readonly destination: string }

export type EncodeOptions = {
  /** IPv4 version 3: whether the checksum covers the pseudo-header. */
  readonly pseudoHeader: boolean
  /** Version 2 simple text, at most 8 bytes. */
  readonly password?: string
  /** Version 3: makes the trailer that follows the advert (checksum still zero). */
  readonly sign?: (advert: Uint8Array) => Uint8Array
}

export type Decoded = Advert & {
  /** Which IPv4 version 3 form the sender uses; version 2 is always plain, IPv6 always has the pseudo-header. */
  readonly checksum: 'pseudo-header' | 'plain'
  /** Version 2: type and text. */
  readonly authentication?: { readonly type: number; readonly data: string }
  /** Version 3: where the advert ends and 28 bytes follow. */
  readonly trailerAt?: number
}

/** One VRRP message, without IP header. Throws only where the caller breaks the types (an address of the wrong family). */
export function encodeAdvert(advert: Advert, envelope: Envelope, options: EncodeOptions): Buffer {
  const size = envelope.family === 4 ? 4 : 16
  const body = HEADER + advert.addresses.length * size
  const message = Buffer.alloc(body + (advert.version === 2 ? 8 : options.sign ? TRAILER_LENGTH : 0))
  message[0] = (advert.version << 4) | ADVERTISEMENT
  message[1] = advert.vrid
  message[2] = advert.priority
  message[3] = advert.addresses.length
  if (advert.version === 2) {
    message[4] = options.password === undefined ? 0 : 1
    message[5] = Math.min(255, Math.max(1, Math.round(advert.interval / 1000)))
    message.write(options.password ?? '', body, 8, 'latin1')
  } else message.writeUInt16BE(Math.min(0xfff, Math.max(1, Math.round(advert.interval / 10))), 4)
  advert.addresses.forEach((address, i) => {
    const bytes = addressBytes(address)
    if (bytes.length !== size) throw new RangeError(`${address} is not IPv${envelope.family}`)
    message.set(bytes, HEADER + i * size)
  })
  if (advert.version === 3 && options.sign) message.set(options.sign(message.subarray(0, body)), body)
  // keepalived leaves the trailer out for IPv4; for IPv6 the kernel computes the checksum and knows no trailer.
  const covered = advert.version === 3 && envelope.family === 4 ? body : message.length
  const header = hasPseudoHeader(advert.version, envelope.family, options.pseudoHeader)
  message.writeUInt16BE(0xffff & ~fold(messageSum(message, covered, header ? envelope : undefined)), 6)
  return message
}

/** Reads one message. Never throws, never reads past the end; `envelope` must be true for the checksum to hold. */
export function decodeAdvert(message: Uint8Array, envelope: Envelope): Decoded | { readonly discard: DiscardReason } {
  if (message.length < HEADER) return { discard: 'packet-length-error' }
  const [versionAndType = 0, vrid = 0, priority = 0, count = 0, high = 0, low = 0] = message
  const version = versionAndType >> 4
  if (version !== 2 && version !== 3) return { discard: 'version-error' }
  if (version === 2 && envelope.family === 6) return { discard: 'version-error' }
  if ((versionAndType & 0xf) !== ADVERTISEMENT) return { discard: 'invalid-type' }
  if (vrid === 0) return { discard: 'vrid-error' }

  const size = envelope.family === 4 ? 4 : 16
  const body = HEADER + count * size
  // More than announced is let pass (RFC 9568 7.1 asks for no less); the checksum covers it.
  if (message.length < body + (version === 2 ? 8 : 0)) return { discard: 'packet-length-error' }
  const interval = version === 2 ? low * 1000 : (((high & 0xf) << 8) | low) * 10
  // Nothing sends faster than it can count; taken literally, zero would make every backup master at once.
  if (interval === 0) return { discard: 'interval-error' }
  const checksum = verify(message, version, envelope, body)
  if (!checksum) return { discard: 'checksum-error' }

  const addresses: string[] = []
  for (let at = HEADER; at < body; at += size) addresses.push(addressText(message, at, envelope.family))
  const advert = { version, vrid, priority, interval, addresses, checksum } as const
  if (version === 2) {
    const data = Buffer.from(message.subarray(body, body + 8))
      .toString('latin1')
      .replace(/\0+$/, '')
    return { ...advert, authentication: { type: high, data } }
  }
  return message.length === body + TRAILER_LENGTH ? { ...advert, trailerAt: body } : advert
}

/** The vrid of a message long enough to have one: enough to find whom it concerns. */
export function peekVrid(message: Uint8Array): number | undefined {
  return message.length < HEADER ? undefined : message[1]
}

function verify(
  message: Uint8Array,
  version: 2 | 3,
  envelope: Envelope,
  body: number,
): Decoded['checksum'] | undefined {
  const lengths = message.length === body + TRAILER_LENGTH ? [message.length, body] : [message.length]
  for (const length of lengths) {
    // The field stays in the sum: intact data folds to all ones.
    const plain = sum16(message, 0, length)
    const { source, destination } = envelope
    const pseudo = plain + pseudoHeader(addressBytes(source), addressBytes(destination), VRRP, length)
    if (version === 3 && fold(pseudo) === 0xffff) return 'pseudo-header'
    if (envelope.family === 4 && fold(plain) === 0xffff) return 'plain'
  }
  return undefined
}

function messageSum(message: Uint8Array, length: number, envelope: Envelope | undefined): number {
  const plain = sum16(message, 0, length)
  if (!envelope) return plain
  return plain + pseudoHeader(addressBytes(envelope.source), addressBytes(envelope.destination), VRRP, length)
}

function hasPseudoHeader(version: 2 | 3, family: Family, wanted: boolean): boolean {
  return version === 3 && (family === 6 || wanted)
}
