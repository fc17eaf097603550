import { randomInt } from 'node:crypto'
import type { Ping } from '../../checkers/ports.js'
import { addressBytes } from '../../vrrp/address.js'
import { addressText, familyNumber, familyOf } from './ip-address.js'
import { libc, type PollHandle, poll, refusal } from './libc.js'

/** SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC */
const raw = 3 | 0o4000 | 0o2000000
/** ICMP (RFC 792) and ICMPv6 (RFC 4443 §4): protocol, request and reply. */
const kinds = {
  4: { protocol: 1, request: 8, reply: 0 },
  6: { protocol: 58, request: 128, reply: 129 },
} as const

type Open = { readonly fd: number; readonly watcher: PollHandle }
type Waiting = { readonly address: string; readonly sent: number; done(answer: Awaited<ReturnType<Ping>>): void }

/**
 * Echo requests over one raw socket per family, opened with the first request. Answers are told apart by identifier,
 * sequence number and sender. The socket keeps no process alive.
 */
export function createPing(now: () => number = () => performance.now()): Ping & { close(): void } {
  const identifier = randomInt(1, 0x10000)
  const sockets = new Map<4 | 6, Open>()
  const waiting = new Map<number, Waiting>()
  let sequence = randomInt(0x10000)

  const ping: Ping = (address, size, signal) =>
    new Promise(resolve => {
      if (signal.aborted) return resolve({ errno: 'ETIMEDOUT' })
      const family = familyOf(address)
      const open = sockets.get(family) ?? start(family)
      if ('errno' in open) return resolve(open)
      do sequence = (sequence + 1) & 0xffff
      while (waiting.has(sequence))
      const own = sequence
      const sent = now()
      const done: Waiting['done'] = answer => {
        waiting.delete(own)
        signal.removeEventListener('abort', aborted)
        resolve(answer)
      }
      const aborted = () => done({ errno: 'ETIMEDOUT' })
      signal.addEventListener('abort', aborted)
      waiting.set(own, { address: addressText(addressBytes(address)), sent, done })
      const packet = request(family, own, size)
      const to = Buffer.alloc(family === 4 ? 16 : 28)
      to.writeUInt16LE(familyNumber(address), 0)
      to.set(addressBytes(address), family === 4 ? 4 : 8)
      const refused = refusal(libc.sendto(open.fd, packet, packet.length, 0, to, to.length))
      if (refused !== undefined) done({ errno: refused })
    })

  function start(family: 4 | 6): Open | { readonly errno: string } {
    const fd = libc.socket(family === 4 ? 2 : 10, raw, kinds[family].protocol)
    const errno = refusal(fd)
    if (errno !== undefined) return { errno }
    const buffer = Buffer.alloc(65_536)
    const from = Buffer.alloc(28)
    const watcher = poll(fd, { readable: true }, () => {
      // A flood of echo replies that nobody asked for must not hold the loop.
      for (let count = 0; count < 256; count++) {
        const length = libc.recvfrom(fd, buffer, buffer.length, 0, from, [from.length])
        if (length < 0) return
        received(family, buffer.subarray(0, length), from)
      }
    })
    watcher.unref()
    const open = { fd, watcher }
    sockets.set(family, open)
    return open
  }

  function request(family: 4 | 6, number: number, size: number): Buffer {
    const packet = Buffer.alloc(8 + size)
    packet[0] = kinds[family].request
    packet.writeUInt16BE(identifier, 4)
    packet.writeUInt16BE(number, 6)
    // The kernel fills in that of ICMPv6 (RFC 3542 §3.1).
    if (family === 4) packet.writeUInt16BE(checksum(packet), 2)
    return packet
  }

  function received(family: 4 | 6, bytes: Buffer, from: Buffer): void {
    // IPv4 comes with its header, whose length stands in its first byte; IPv6 without.
    const packet = family === 4 ? bytes.subarray(((bytes[0] ?? 0) & 15) * 4) : bytes
    if (packet.length < 8 || packet[0] !== kinds[family].reply || packet.readUInt16BE(4) !== identifier) return
    const known = waiting.get(packet.readUInt16BE(6))
    const sender = addressText(family === 4 ? from.subarray(4, 8) : from.subarray(8, 24))
    if (known?.address === sender) known.done({ rtt: now() - known.sent })
  }

  return Object.assign(ping, {
    close() {
      for (const { fd, watcher } of sockets.values()) {
        watcher.close()
        libc.close(fd)
      }
      sockets.clear()
      for (const { done } of [...waiting.values()]) done({ errno: 'ECANCELED' })
    },
  })
}

/** RFC 1071 */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
