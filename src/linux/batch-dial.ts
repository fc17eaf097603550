import koffi from 'koffi'
import type { Dial, Stream, StreamEvents, Target } from '../../checkers/ports.js'
import { addressBytes } from '../../vrrp/address.js'
import { errnoName } from './errno.js'
import { errorQueue, fromAfar } from './icmp-errors.js'
import { familyNumber, familyOf } from './ip-address.js'
import { int32, libc, must, type PollHandle, poll } from './libc.js'

/**
 * TCP for thousands of short connections a second: sockets of libc in one edge-triggered epoll set, which Node's loop
 * watches as one descriptor. A connect costs a handful of calls and no object of Node's (deploy/bench/checks.mjs
 * compares the two).
 */
export function createBatchDial(): Dial & { stop(): void } {
  const set = must(calls.epollCreate(CLOEXEC), 'epoll_create1')
  // By descriptor, the lowest of which are given out again. No Map: V8 links the table that a growing or shrinking one leaves behind to the
  // next, so that as soon as one of them is old, what was in flight at any change is kept until the next major collection.
  const streams: (Open | undefined)[] = []
  let held = 0
  const ready = Buffer.alloc(EVENT * BATCH)
  const change = Buffer.alloc(EVENT)
  change.writeUInt32LE((IN | OUT | RDHUP | ET) >>> 0, 0)
  const input = Buffer.allocUnsafe(65_536)
  let turn = 0
  const watcher: PollHandle = poll(set, { readable: true }, drain)
  watcher.unref()

  const dial: Dial = (target, events, options) => {
    const fd = libc.socket(familyNumber(target.address), STREAM, 0)
    if (fd < 0) return refused(events, koffi.errno())
    const open: Open = {
      fd,
      turn: ++turn % 2 ** 31,
      state: 'connecting',
      events,
      unsent: undefined,
      sends: 0,
      closing: false,
      putOff: false,
    }
    if (options?.keepAlive) keepAlive(fd, options.keepAlive, familyOf(target.address))
    const address = socketAddress(target)
    if (libc.connect(fd, address, address.length) < 0) {
      const errno = koffi.errno()
      if (errno !== EINPROGRESS) return giveBack(open, errno)
    }
    change.writeInt32LE(fd, DATA)
    change.writeInt32LE(open.turn, DATA + 4)
    // What has happened by now is told too: adding looks first (epoll_ctl(2)).
    if (calls.epollCtl(set, ADD, fd, change) < 0) return giveBack(open, koffi.errno())
    if (held++ === 0) watcher.ref()
    streams[fd] = open
    return { send: bytes => send(open, bytes), close: how => end(open, how) }
  }

  function giveBack(open: Open, errno: number): Stream {
    libc.close(open.fd)
    return refused(open.events, errno)
  }

  /** Closes the descriptor; the kernel takes it out of the set. */
  function end(open: Open, how: 'fin' | 'reset') {
    if (open.state === 'closed') return
    open.state = 'closed'
    if (how === 'reset') libc.setsockopt(open.fd, SOCKET, LINGER, atOnce, 8)
    libc.close(open.fd)
    streams[open.fd] = undefined
    if (--held === 0) watcher.unref()
  }

  function fail(open: Open, errno: number) {
    if (open.state === 'closed') return
    end(open, 'fin')
    open.events.failed(fromAfar(errnoName(errno)))
  }

  /** Some of what is ready. The loop comes back for the rest (epoll(7): a set within a set is level-triggered), and to what is due in between. */
  function drain() {
    const count = calls.epollWait(set, ready, BATCH, 0)
    for (let at = 0; at < count * EVENT; at += EVENT) {
      const open = streams[ready.readInt32LE(at + DATA)]
      // A number that has been closed and given out again within this batch is another stream.
      if (open && open.turn === ready.readInt32LE(at + DATA + 4)) happened(open, ready.readUInt32LE(at))
    }
  }

  function happened(open: Open, what: number) {
    if (open.state === 'connecting') {
      if (what & (ERR | HUP)) return fail(open, pendingError(open.fd))
      if (!(what & OUT)) return
      open.state = 'open'
      open.events.connected()
    }
    if (what & OUT && open.unsent) flush(open)
    if (what & (RDHUP | ERR | HUP)) open.closing = true
    if (what & (IN | RDHUP | ERR | HUP) && !open.putOff) read(open)
  }

  function putOff(open: Open) {
    open.putOff = true
    setImmediate(() => {
      open.putOff = false
      read(open)
    })
  }

  /**
   * Reads until nothing is left. A short read is the last one, unless the peer is known to have closed (epoll(7)). A peer that
   * sends as fast as we read waits for the next turn of the loop now and then: the others are to have theirs.
   */
  function read(open: Open) {
    for (let reads = 0; open.state === 'open'; reads++) {
      if (reads === READS) return putOff(open)
      const count = calls.recv(open.fd, input, input.length, 0)
      if (count > 0) {
        open.events.data(input.subarray(0, count))
        if (count < input.length && !open.closing) return
      } else if (count === 0) {
        end(open, 'fin')
        open.events.ended()
      } else {
        const errno = koffi.errno()
        if (errno === EAGAIN) return
        if (errno !== EINTR) fail(open, errno)
      }
    }
  }

  function send(open: Open, bytes: Uint8Array) {
    if (open.state === 'closed') return
    // From the second on: a small message must not wait for the acknowledgement of the first (Nagle).
    if (open.sends++ === 1) libc.setsockopt(open.fd, TCP, NODELAY, one, 4)
    const rest = open.unsent === undefined && open.state === 'open' ? push(open, bytes) : bytes
    if (rest) open.unsent = open.unsent ? Buffer.concat([open.unsent, rest]) : Buffer.from(rest)
  }

  function flush(open: Open) {
    if (open.unsent) open.unsent = push(open, open.unsent)
  }

  /** Gives the kernel what it takes; answers with the rest, which an edge will ask for. */
  function push<T extends Uint8Array>(open: Open, bytes: T): T | undefined {
    let rest = bytes
    for (;;) {
      const count = calls.send(open.fd, rest, rest.length, NOSIGNAL)
      if (count === rest.length) return undefined
      if (count >= 0) rest = rest.subarray(count) as T
      else {
        const errno = koffi.errno()
        if (errno === EAGAIN) return rest
        if (errno === EINTR) continue
        // Told later: whoever sends does not expect to be called back meanwhile.
        queueMicrotask(() => fail(open, errno))
        return undefined
      }
    }
  }

  return Object.assign(dial, {
    stop() {
      for (const open of streams) if (open) end(open, 'fin')
      watcher.close()
      libc.close(set)
    },
  })
}

type Open = {
  readonly fd: number
  /** Tells two streams with the same descriptor number apart. */
  readonly turn: number
  state: 'connecting' | 'open' | 'closed'
  readonly events: StreamEvents
  unsent: Buffer | undefined
  sends: number
  /** The peer is known to have closed, or worse. */
  closing: boolean
  /** The rest is read in the next turn of the loop. */
  putOff: boolean
}

/** No stream came about; told after the dial has returned. */
function refused(events: StreamEvents, errno: number): Stream {
  let open = true
  queueMicrotask(() => {
    if (open) events.failed(errnoName(errno))
  })
  return {
    send() {},
    close() {
      open = false
    },
  }
}

function pendingError(fd: number): number {
  const value = Buffer.alloc(4)
  libc.getsockopt(fd, SOCKET, ERROR, value, [4])
  return value.readInt32LE(0) || ECONNRESET
}

/** Keeps an idle connection honest: the kernel asks the peer, and an ICMP unreachable ends it at once (ip(7) IP_RECVERR). */
function keepAlive(fd: number, idle: number, family: 4 | 6) {
  const [level, option] = errorQueue[family]
  libc.setsockopt(fd, level, option, one, 4)
  const seconds = Math.max(1, Math.round(idle / 1000))
  libc.setsockopt(fd, SOCKET, KEEPALIVE, one, 4)
  libc.setsockopt(fd, TCP, KEEPIDLE, int32(seconds), 4)
  libc.setsockopt(fd, TCP, KEEPINTVL, int32(Math.max(1, Math.round(seconds / 3))), 4)
  libc.setsockopt(fd, TCP, KEEPCNT, int32(3), 4)
}

const addresses = new WeakMap<Target, Buffer>()

/** struct sockaddr_in, sockaddr_in6; made once for each target. */
function socketAddress(target: Target): Buffer {
  const known = addresses.get(target)
  if (known) return known
  const [address = '', zone] = target.address.split('%')
  const ipv4 = familyOf(address) === 4
  const bytes = Buffer.alloc(ipv4 ? 16 : 28)
  bytes.writeUInt16LE(familyNumber(address), 0)
  bytes.writeUInt16BE(target.port, 2)
  bytes.set(addressBytes(address), ipv4 ? 4 : 8)
  if (zone !== undefined) bytes.writeUInt32LE(libc.ifNametoindex(zone), 24)
  addresses.set(target, bytes)
  return bytes
}

const library = koffi.load(null)
const calls = {
  epollCreate: library.func('int epoll_create1(int flags)') as (flags: number) => number,
  epollCtl: library.func('int epoll_ctl(int set, int what, int fd, void *event)') as (
    set: number,
    what: number,
    fd: number,
    event: Buffer,
  ) => number,
  epollWait: library.func('int epoll_wait(int set, void *events, int size, int timeout)') as (
    set: number,
    events: Buffer,
    size: number,
    timeout: number,
  ) => number,
  send: library.func('long send(int fd, void *data, size_t length, int flags)') as (
    fd: number,
    data: Uint8Array,
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

/** struct epoll_event is packed on x86-64 only (sys/epoll.h): the size of one, and where its data is. */
const [EVENT, DATA] = process.arch === 'x64' ? [12, 4] : [16, 8]
/** Many at once are slower, not faster: all of them are in flight together, and survive the collections of garbage meanwhile. */
const BATCH = 64
/** Of 64 KiB each, in one turn of the loop. */
const READS = 16
/** sys/epoll.h */
const [IN, OUT, ERR, HUP, RDHUP, ET] = [0x1, 0x4, 0x8, 0x10, 0x2000, 0x8000_0000]
const ADD = 1
const CLOEXEC = 0o2000000
/** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const STREAM = 1 | 0o4000 | CLOEXEC
const [SOCKET, ERROR, KEEPALIVE, LINGER] = [1, 4, 9, 13]
const [TCP, NODELAY, KEEPIDLE, KEEPINTVL, KEEPCNT] = [6, 1, 4, 5, 6]
const NOSIGNAL = 0x4000
/** asm-generic/errno.h */
const [EINTR, EAGAIN, ECONNRESET, EINPROGRESS] = [4, 11, 104, 115]
const one = int32(1)
/** struct linger: on, zero seconds. */
const atOnce = Buffer.concat([int32(1), int32(0)])
