import raw from 'raw-socket'
import { addressBytes, addressText } from '../../vrrp/address.js'
import type { Family, Lan, Received } from '../../vrrp/ports.js'
import { assemble, attachFilter } from './bpf.js'
import { codeOf, errnoName, KernelError } from './errno.js'
import { int32, libc } from './libc.js'
import { descriptorOf, receiveStamp, waitingPacket } from './receive-stamp.js'
import { advertFilter, type FilterOptions, strayFilter } from './vrrp-filter.js'

export type LanOptions = {
  readonly interface: string
  readonly family: Family
  readonly kind: 'multicast' | 'unicast'
  /** Hop limit that a packet must have left; 255 unless routed unicast asks for less. */
  readonly minTtl?: number
  /** The address that packets leave from, asked before each send: the interface's own, or the director's for unicast. */
  readonly source: () => string | undefined
}

/** What reached protocol 112 but none of our virtual routers: wrong hop limit, version, type, vrid or too short to tell. */
export type Strays = {
  readonly sample: readonly Received[] /** more that were not looked at */
  readonly missed: number
}

export type VrrpSocket = {
  readonly lan: Lan & { drain(): number }
  /** The same as `lan.drain`. */
  drain(): number
  /** Which virtual routers listen here; loads the filter of both sockets. */
  listen(vrids: readonly number[]): void
  /** Opens it again when the interface has appeared or been made anew. Call at link events; does nothing when all is well. */
  rebind(): void
  /** Why it cannot send or receive now (errno name), else undefined. */
  problem(): string | undefined
  /** Some of the packets that the filter kept away since the last call, and how many more there were. At most 64 are looked at. */
  strays(): Strays
  close(): void
}

const vrrp = 112
export const vrrpGroup = { 4: '224.0.0.18', 6: 'ff02::12' } as const
/** Packets read in one turn of the loop: a flood must not starve the timers. */
const perTurn = 256
const strayLimit = 64

/**
 * The raw socket for the adverts of one interface, family and kind, shared by the virtual routers on it. Errors of the kernel are values (`problem`, and what `send`
 * returns): an interface may be missing now and appear later.
 */
export function openLan(options: LanOptions, onPacket: (packet: Received) => void): VrrpSocket {
  const { family, kind, minTtl = 255 } = options
  const frame = outgoing(family)
  let open: { index: number; adverts: Receiver; strays: Receiver } | undefined
  let broken: string | undefined = 'ENODEV'
  let vrids: readonly number[] = []
  let closed = false
  rebind()

  return {
    lan: { source: options.source, send, drain },
    drain,
    listen(next) {
      vrids = next
      load()
    },
    rebind,
    problem: () => broken,
    strays,
    close() {
      closed = true
      shut()
    },
  }

  function rebind() {
    const index = libc.ifNametoindex(options.interface)
    if (closed || (open && open.index === index && !broken)) return
    shut()
    if (index === 0) return
    try {
      const adverts = receiver(options, index, onPacket, failed)
      const strays = receiver(options, index, undefined, failed)
      open = { index, adverts, strays }
      broken = undefined
      load()
    } catch (error) {
      shut()
      broken = codeOf(error) ?? 'EIO'
      if (!(error instanceof KernelError)) throw error
    }
  }

  function failed(code: string) {
    shut()
    broken = code
  }

  function shut() {
    open?.adverts.close()
    open?.strays.close()
    open = undefined
    broken = 'ENODEV'
  }

  function load() {
    const filter: FilterOptions = { family, kind, minTtl, vrids }
    open?.adverts.attach(assemble(advertFilter(filter)))
    open?.strays.attach(assemble(strayFilter(filter)))
  }

  function send(payload: Buffer, destination: string): string | undefined {
    if (!open) return broken
    const source = options.source()
    if (source === undefined) return 'EADDRNOTAVAIL'
    return open.adverts.send(frame(payload, source, destination), destination)
  }

  /** Bounded: under a flood the deadline counts more than the rest of the queue. */
  function drain(): number {
    return open?.adverts.drain(perTurn) ?? 0
  }

  function strays(): Strays {
    const sample: Received[] = []
    if (!open) return { sample, missed: 0 }
    const dropped = open.strays.missed()
    const queued = open.strays.drain(4096, packet => {
      if (sample.length < strayLimit) sample.push({ ...packet, payload: Buffer.from(packet.payload) })
    })
    return { sample, missed: dropped + queued - sample.length }
  }
}

const sol = { socket: 1, ip: 0, ipv6: 41 } as const
const so = { rcvbuf: 8, priority: 12, bindToDevice: 25, rcvbufForce: 33, memInfo: 55, cookie: 57 } as const
const ip = {
  headerIncluded: 3,
  multicastInterface: 32,
  multicastLoop: 34,
  addMembership: 35,
  multicastAll: 49,
} as const
const ipv6 = {
  multicastInterface: 17,
  multicastLoop: 19,
  addMembership: 20,
  multicastAll: 29,
  headerIncluded: 36,
} as const
/** TC_PRIO_CONTROL of linux/pkt_sched.h: ahead of everything in the interface's queue. */
const controlPriority = 7

type Receiver = {
  attach(filter: ReturnType<typeof assemble>): void
  drain(limit: number, take?: (packet: Received) => void): number
  send(packet: Buffer, destination: string): string | undefined
  missed(): number
  close(): void
}

/** One raw socket, bound to the interface. Without `onPacket` it is read only when asked, from a small buffer. */
function receiver(
  { interface: name, family, kind }: LanOptions,
  index: number,
  onPacket: ((packet: Received) => void) | undefined,
  failed: (code: string) => void,
): Receiver {
  const socket = guarded('open a raw socket', () =>
    raw.createSocket({ protocol: vrrp, addressFamily: family === 4 ? raw.AddressFamily.IPv4 : raw.AddressFamily.IPv6 }),
  )
  const { wrap } = socket
  const buffer = Buffer.alloc(65_536)
  let closed = false
  let dropped = 0
  let waited: (() => number) | undefined
  let waits: () => boolean = () => true

  try {
    // Nothing may arrive before the filter is loaded.
    if (!onPacket) wrap.pause(true, true)
    const device = Buffer.from(`${name}\0`)
    set('bind to', sol.socket, so.bindToDevice, device)
    setBuffer(onPacket ? 1 << 20 : 1 << 16)
    set('prioritise', sol.socket, so.priority, int32(controlPriority))
    const level = family === 4 ? sol.ip : sol.ipv6
    const option = family === 4 ? ip : ipv6
    set('write headers on', level, option.headerIncluded, int32(1))
    attempt(level, option.multicastAll, int32(0))
    if (kind === 'multicast') {
      const group = addressBytes(vrrpGroup[family])
      // struct ip_mreqn: group, own address, index; struct ipv6_mreq: group, index.
      set(
        'join on',
        level,
        option.addMembership,
        Buffer.concat([group, ...(family === 4 ? [Buffer.alloc(4)] : []), int32(index)]),
      )
      set(
        'send on',
        level,
        option.multicastInterface,
        family === 4 ? Buffer.concat([Buffer.alloc(8), int32(index)]) : int32(index),
      )
      set('unloop', level, option.multicastLoop, int32(0))
    }
    const fd = onPacket && descriptorOf(cookieOf())
    if (fd !== undefined) {
      waited = receiveStamp(fd)
      waits = waitingPacket(fd)
    }
  } catch (error) {
    socket.close()
    throw error
  }

  wrap.removeAllListeners('recvReady')
  // Called for an error as well, which only reading ends.
  wrap.on('recvReady', () => readOne(onPacket) && drain(perTurn - 1))
  socket.on('error', error => {
    closed = true
    // uv_poll's status, as text: -100.
    failed(errnoName(Math.abs(Number(error.message)) || 5))
  })

  return {
    attach: ({ option }) => set('load a filter on', sol.socket, attachFilter, option),
    drain,
    send(packet, destination) {
      let code: string | undefined
      try {
        wrap.send(packet, 0, packet.length, destination, () => {})
      } catch (error) {
        code = nameOf(error)
      }
      return code
    },
    missed() {
      // struct sk_meminfo: nine words, the last one counts drops (linux/sock_diag.h).
      const info = Buffer.alloc(36)
      wrap.getOption(sol.socket, so.memInfo, info, info.length)
      const total = info.readUInt32LE(32)
      const since = (total - dropped) >>> 0
      dropped = total
      return since
    },
    close() {
      if (!closed) socket.close()
      closed = true
    },
  }

  /** raw-socket itself reads one packet per turn of the loop; this reads on until the socket is empty. */
  function drain(limit: number, take = onPacket): number {
    let count = 0
    while (count < limit && !closed && waits() && readOne(take)) count++
    return count
  }

  function readOne(take: ((packet: Received) => void) | undefined): boolean {
    let bytes = -1
    let source = ''
    try {
      wrap.recv(buffer, (_, length, from) => {
        bytes = length
        source = from
      })
    } catch {
      return false // EAGAIN: empty. Any other error comes again as an event of the poll.
    }
    // Outside of the try: what the reader throws is a broken invariant, not an empty socket.
    if (bytes < 0 || !take) return bytes >= 0
    const packet = parse(bytes, source)
    if (packet) take(packet)
    return true
  }

  /** What lies in `buffer`. */
  function parse(bytes: number, source: string): Received | undefined {
    const stamp = waited ? { waited: waited() } : undefined
    if (family === 6) {
      const payload = buffer.subarray(0, bytes)
      return kind === 'multicast'
        ? { payload, source, destination: vrrpGroup[6], ...stamp }
        : { payload, source, ...stamp }
    }
    const header = ((buffer[0] ?? 0) & 15) * 4
    if (header < 20 || bytes < header) return undefined
    const destination = addressText(buffer, 16, 4)
    return { payload: buffer.subarray(header, bytes), source, destination, ttl: buffer.readUInt8(8), ...stamp }
  }

  function cookieOf(): Buffer {
    const cookie = Buffer.alloc(8)
    guarded(`identify the socket on ${name}`, () => wrap.getOption(sol.socket, so.cookie, cookie, cookie.length))
    return cookie
  }

  function set(what: string, level: number, option: number, value: Buffer) {
    guarded(`${what} ${name}`, () => wrap.setOption(level, option, value, value.length))
  }

  function attempt(level: number, option: number, value: Buffer) {
    try {
      wrap.setOption(level, option, value, value.length)
      return true
    } catch {
      return false
    }
  }

  function setBuffer(size: number) {
    if (!attempt(sol.socket, so.rcvbufForce, int32(size))) attempt(sol.socket, so.rcvbuf, int32(size))
  }
}

/** Builds IP packets in one buffer that is used again: precedence "internetwork control", hop limit 255 (RFC 9568 §5.1). */
function outgoing(family: Family): (payload: Buffer, source: string, destination: string) => Buffer {
  const buffer = Buffer.alloc(65_536)
  const hops = 255
  const controlClass = 0xc0
  return (payload, source, destination) => {
    if (family === 4) {
      // The kernel fills in length, identification and checksum (raw(7), IP_HDRINCL).
      buffer.fill(0, 0, 20)
      buffer.writeUInt8(0x45, 0)
      buffer.writeUInt8(controlClass, 1)
      buffer.writeUInt8(hops, 8)
      buffer.writeUInt8(vrrp, 9)
      buffer.set(addressBytes(source), 12)
      buffer.set(addressBytes(destination), 16)
      payload.copy(buffer, 20)
      return buffer.subarray(0, 20 + payload.length)
    }
    buffer.writeUInt32BE(0x60000000 | (controlClass << 20), 0)
    buffer.writeUInt16BE(payload.length, 4)
    buffer.writeUInt8(vrrp, 6)
    buffer.writeUInt8(hops, 7)
    buffer.set(addressBytes(source), 8)
    buffer.set(addressBytes(destination), 24)
    payload.copy(buffer, 40)
    return buffer.subarray(0, 40 + payload.length)
  }
}

function guarded<T>(call: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw new KernelError(call, nameOf(error))
  }
}

let names: Map<string, string> | undefined

/** raw-socket throws strerror's text. */
function nameOf(error: unknown): string {
  names ??= new Map(Array.from({ length: 133 }, (_, index) => [libc.strerror(index + 1), errnoName(index + 1)]))
  return (error instanceof Error && names.get(error.message)) || 'EIO'
}
