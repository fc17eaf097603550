import { randomInt } from 'node:crypto'
import koffi from 'koffi'
import type { Ping } from '../../checkers/ports.js'
import { addressBytes } from '../../vrrp/address.js'
import { errnoName } from './errno.js'
import { familyNumber, familyOf } from './ip-address.js'
import { int32, libc, poll } from './libc.js'

/**
 * One ICMP echo request over a raw socket of its own that is connected to the target, so that the kernel hands over its
 * packets only, and ICMP errors about it as errno (raw(7), ip(7) IP_RECVERR). Needs CAP_NET_RAW.
 */
export const ping: Ping = (target, size, signal) => {
  const [address = '', zone] = target.split('%')
  const ipv4 = familyOf(address) === 4
  const fd = libc.socket(familyNumber(address), RAW, ipv4 ? ICMP : ICMPV6)
  if (fd < 0) return Promise.resolve({ errno: errnoName(koffi.errno()) })
  const kind = ipv4 ? v4 : v6
  const id = randomInt(65_536)
  const request = echoRequest(kind.request, id, size)
  if (ipv4) request.writeUInt16BE(checksum(request), 2)
  libc.setsockopt(fd, kind.level, kind.receiveErrors, int32(1), 4)
  const peer = socketAddress(address, zone)

  return new Promise(resolve => {
    const began = performance.now()
    let watcher: ReturnType<typeof poll> | undefined
    const end = (result: { rtt: number } | { errno: string }) => {
      watcher?.close()
      signal.removeEventListener('abort', late)
      libc.close(fd)
      resolve(result)
    }
    const late = () => end({ errno: 'ETIMEDOUT' })
    const fail = () => end({ errno: errnoName(koffi.errno()) })
    if (libc.connect(fd, peer, peer.length) < 0) return fail()
    if (calls.send(fd, request, request.length, NOSIGNAL) < 0) return fail()
    const input = Buffer.allocUnsafe(65_536)
    watcher = poll(fd, { readable: true }, () => {
      for (;;) {
        const count = calls.recv(fd, input, input.length, 0)
        if (count < 0) return koffi.errno() === EAGAIN ? undefined : fail()
        if (isReply(input.subarray(0, count), request, ipv4)) return end({ rtt: performance.now() - began })
      }
    })
    if (signal.aborted) late()
    else signal.addEventListener('abort', late)
  })
}

/** RFC 792, RFC 4443 4.1: type, code, checksum, identifier, sequence, data. The kernel fills in ICMPv6's checksum. */
function echoRequest(type: number, id: number, size: number): Buffer {
  const bytes = Buffer.alloc(8 + size)
  bytes[0] = type
  bytes.writeUInt16BE(id, 4)
  bytes.writeUInt16BE(1, 6)
  for (let at = 0; at < size; at++) bytes[8 + at] = at & 0xff
  return bytes
}

/** Our own request comes back too where the target is this machine; IPv4 packets come with their header. */
function isReply(packet: Buffer, request: Buffer, ipv4: boolean): boolean {
  const reply = ipv4 ? packet.subarray(((packet[0] ?? 0) & 15) * 4) : packet
  return reply[0] === (ipv4 ? v4 : v6).reply && reply.subarray(4).equals(request.subarray(4))
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function socketAddress(address: string, zone: string | undefined): Buffer {
  const ipv4 = familyOf(address) === 4
  const bytes = Buffer.alloc(ipv4 ? 16 : 28)
  bytes.writeUInt16LE(familyNumber(address), 0)
  bytes.set(addressBytes(address), ipv4 ? 4 : 8)
  if (zone !== undefined) bytes.writeUInt32LE(libc.ifNametoindex(zone), 24)
  return bytes
}

const library = koffi.load(null)
const calls = {
  send: library.func('long send(int fd, void *data, size_t length, int flags)') as (
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
  ) => number,
  recv: library.func('long recv(int fd, void *data, size_t length, int flags)') as (
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
  ) => number,
}

/** SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC */
const RAW = 3 | 0o4000 | 0o2000000
const [ICMP, ICMPV6] = [1, 58]
const v4 = { request: 8, reply: 0, level: 0, receiveErrors: 11 } as const
const v6 = { request: 128, reply: 129, level: 41, receiveErrors: 25 } as const
const NOSIGNAL = 0x4000
const EAGAIN = 11
