import { addressBytes, addressText } from './address.js'
import { fold, pseudoHeader, sum16 } from './checksum.js'

/*
 * Ethernet (14) + IPv6 (40) + ICMPv6 neighbour advertisement or solicitation (24) + link-layer address option (8)
 *   type(1) code(1) checksum(2) flags(4) target(16) | option type(1) length in 8 bytes(1) MAC(6)     RFC 4861 4.3, 4.4
 */
const ICMPV6 = 58
const SOLICITATION = 135
const ADVERTISEMENT = 136
const ALL_NODES = 'ff02::1'
const FLAG_ROUTER = 0x80
const FLAG_OVERRIDE = 0x20

/** "This address is at this MAC", to all nodes, unasked. `router`: this machine forwards IPv6 (its hosts depend on the flag). */
export function unsolicitedAdvertisement(mac: Uint8Array, vip: string, router: boolean): Buffer {
  const body = Buffer.alloc(32)
  body[0] = ADVERTISEMENT
  body[4] = FLAG_OVERRIDE | (router ? FLAG_ROUTER : 0)
  body.set(addressBytes(vip), 8)
  // Target link-layer address
  body.set([2, 1, ...mac], 24)
  return frame(mac, vip, ALL_NODES, body)
}

/** "Is this address taken?" as duplicate address detection asks: from ::, without our MAC (RFC 4862 5.4.2). */
export function neighbourProbe(mac: Uint8Array, address: string): Buffer {
  const body = Buffer.alloc(24)
  body[0] = SOLICITATION
  body.set(addressBytes(address), 8)
  return frame(mac, '::', solicitedNode(address), body)
}

export type NeighbourAdvertisement = {
  readonly source: string
  readonly target: string
  readonly router: boolean
  readonly solicited: boolean
  readonly override: boolean
  /** From the option where there is one, else of the frame. */
  readonly mac: Uint8Array
}

/** undefined: not an intact neighbour advertisement. */
export function decodeAdvertisement(bytes: Uint8Array): NeighbourAdvertisement | undefined {
  if (bytes.length < 14 + 40 + 24) return undefined
  const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = packet.readUInt16BE(18)
  if (packet.readUInt16BE(12) !== 0x86dd || packet[20] !== ICMPV6 || packet[21] !== 255) return undefined
  if (length < 24 || packet.length < 54 + length || packet[54] !== ADVERTISEMENT || packet[55] !== 0) return undefined
  const sum = sum16(packet, 54, length, pseudoHeader(packet.subarray(22, 38), packet.subarray(38, 54), ICMPV6, length))
  if (fold(sum) !== 0xffff) return undefined
  const flags = packet[58] ?? 0
  const option = length >= 32 && packet[78] === 2 && packet[79] === 1 ? 80 : 6
  return {
    source: addressText(packet, 22, 6),
    target: addressText(packet, 62, 6),
    router: (flags & FLAG_ROUTER) !== 0,
    solicited: (flags & 0x40) !== 0,
    override: (flags & FLAG_OVERRIDE) !== 0,
    mac: Uint8Array.from(packet.subarray(option, option + 6)),
  }
}

/** The group that the holder of an address listens to: ff02::1:ffXX:XXXX with its last 24 bits (RFC 4291 2.7.1). */
export function solicitedNode(address: string): string {
  const bytes = Uint8Array.from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...addressBytes(address).slice(13)])
  return addressText(bytes, 0, 6)
}

function frame(mac: Uint8Array, source: string, destination: string, body: Buffer): Buffer {
  const from = addressBytes(source)
  const to = addressBytes(destination)
  const out = Buffer.alloc(54 + body.length)
  // 33:33 and the last four bytes of the group (RFC 2464 7)
  out.set([0x33, 0x33, ...to.slice(12), ...mac, 0x86, 0xdd, 0x60], 0)
  out.writeUInt16BE(body.length, 18)
  out[20] = ICMPV6
  // Receivers drop neighbour discovery that could have crossed a router (RFC 4861 7.1)
  out[21] = 255
  out.set(from, 22)
  out.set(to, 38)
  out.set(body, 54)
  const sum = sum16(body, 0, body.length, pseudoHeader(from, to, ICMPV6, body.length))
  out.writeUInt16BE(0xffff & ~fold(sum), 56)
  return out
}
