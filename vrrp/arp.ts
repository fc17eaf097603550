import { addressBytes, addressText } from './address.js'

/*
 * Ethernet (14) + ARP for IPv4 over Ethernet (28), RFC 826
 *   destination MAC(6) source MAC(6) 0x0806(2)
 *   hardware 1(2) protocol 0x0800(2) 6(1) 4(1) operation(2)
 *   sender MAC(6) sender IP(4) target MAC(6) target IP(4)
 */
const LENGTH = 42
const ETHERTYPE = 0x0806
export const BROADCAST: Uint8Array = new Uint8Array(6).fill(0xff)
const ZERO: Uint8Array = new Uint8Array(6)

export type ArpOperation = 'request' | 'reply'
export type ArpPacket = {
  readonly operation: ArpOperation
  readonly senderMac: Uint8Array
  readonly senderAddress: string
  readonly targetMac: Uint8Array
  readonly targetAddress: string
}

/**
 * "This address is at this MAC", to everybody. Switches and hosts differ in which form they listen to: send both.
 * The target MAC is the broadcast address in the request form, as keepalived sends it, and the own one in the reply.
 */
export function gratuitousArp(operation: ArpOperation, mac: Uint8Array, vip: string): Buffer {
  const targetMac = operation === 'request' ? BROADCAST : mac
  return encodeArp({ operation, senderMac: mac, senderAddress: vip, targetMac, targetAddress: vip })
}

/** "Who has this address?" without claiming it: the sender address is 0.0.0.0 (RFC 5227 2.1.1). */
export function arpProbe(mac: Uint8Array, address: string): Buffer {
  return encodeArp({
    operation: 'request',
    senderMac: mac,
    senderAddress: '0.0.0.0',
    targetMac: ZERO,
    targetAddress: address,
  })
}

/** A whole broadcast frame. */
export function encodeArp(packet: ArpPacket): Buffer {
  const frame = Buffer.alloc(LENGTH)
  frame.set(BROADCAST, 0)
  frame.set(packet.senderMac, 6)
  frame.writeUInt16BE(ETHERTYPE, 12)
  frame.writeUInt16BE(1, 14)
  frame.writeUInt16BE(0x0800, 16)
  frame[18] = 6
  frame[19] = 4
  frame.writeUInt16BE(packet.operation === 'request' ? 1 : 2, 20)
  frame.set(packet.senderMac, 22)
  frame.set(addressBytes(packet.senderAddress), 28)
  frame.set(packet.targetMac, 32)
  frame.set(addressBytes(packet.targetAddress), 38)
  return frame
}

/** undefined: not ARP for IPv4 over Ethernet, or too short. Padding behind is fine. */
export function decodeArp(frame: Uint8Array): ArpPacket | undefined {
  if (frame.length < LENGTH) return undefined
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  if (view.readUInt16BE(12) !== ETHERTYPE || view.readUInt32BE(14) !== 0x00010800) return undefined
  const operation = view.readUInt16BE(20)
  if (view.readUInt16BE(18) !== 0x0604 || (operation !== 1 && operation !== 2)) return undefined
  return {
    operation: operation === 1 ? 'request' : 'reply',
    senderMac: Uint8Array.from(frame.subarray(22, 28)),
    senderAddress: addressText(frame, 28, 4),
    targetMac: Uint8Array.from(frame.subarray(32, 38)),
    targetAddress: addressText(frame, 38, 4),
  }
}

/** The MAC of another machine that says it has `address`; undefined: this frame is no conflict (RFC 5227 2.1.1, 2.4). */
export function arpConflict(
  frame: Uint8Array,
  address: string,
  ownMacs: readonly Uint8Array[],
): Uint8Array | undefined {
  const packet = decodeArp(frame)
  if (packet?.senderAddress !== address) return undefined
  return ownMacs.some(mac => Buffer.compare(mac, packet.senderMac) === 0) ? undefined : packet.senderMac
}
