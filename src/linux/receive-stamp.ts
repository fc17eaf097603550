import { readdirSync } from 'node:fs'
import { libc } from './libc.js'

/** asm-generic/ioctls.h: the length of the next packet. */
const fionread = 0x541b
/** linux/sockios.h: the kernel's stamp (struct timespec) of the packet that was read last. */
const siocgstampns = 0x8907
/** clock_gettime(2) */
const realtime = 0
/** asm-generic/socket.h; a socket's own number, unique while the machine runs. */
const so = { level: 1, cookie: 57 } as const
/** Wall and monotonic clock part by no more than this between two packets (ms, and ms per ms), unless somebody set the clock. */
const drift = { least: 1, rate: 0.001 } as const

/**
 * How long the packet that was just read from a socket had lain there, in ms. The kernel stamps with the wall clock: after a step of it the
 * answer is 0 once.
 */
export function receiveStamp(fd: number): () => number {
  const stamp = Buffer.alloc(16)
  const wall = Buffer.alloc(16)
  let last = clocks()
  // The first question makes the kernel stamp; there is nothing to answer yet (ENOENT).
  libc.ioctl(fd, siocgstampns, stamp)

  return () => {
    if (libc.ioctl(fd, siocgstampns, stamp) < 0) return 0
    const now = clocks()
    const moved = Math.abs(now.wall - last.wall - (now.monotonic - last.monotonic))
    const stepped = moved > drift.least + (now.monotonic - last.monotonic) * drift.rate
    last = now
    return stepped ? 0 : Math.max(0, now.wall - milliseconds(stamp))
  }

  function clocks() {
    libc.clockGettime(realtime, wall)
    return { wall: milliseconds(wall), monotonic: performance.now() }
  }
}

/** Whether a packet waits in the socket. To be told "none" by raw-socket costs an exception. */
export function waitingPacket(fd: number): () => boolean {
  const length = Buffer.alloc(4)
  return () => libc.ioctl(fd, fionread, length) < 0 || length.readInt32LE(0) > 0
}

/** The descriptor of a socket, which raw-socket does not tell; `cookie`: its SO_COOKIE. undefined: this kernel does not tell either. */
export function descriptorOf(cookie: Buffer): number | undefined {
  const found = Buffer.alloc(8)
  return readdirSync('/proc/self/fd')
    .map(Number)
    .find(fd => libc.getsockopt(fd, so.level, so.cookie, found, [8]) === 0 && found.equals(cookie))
}

/** struct timespec. A double holds it to a quarter of a microsecond. */
function milliseconds(time: Buffer): number {
  // In halves: bigints are made anew, twice an advert.
  const seconds = time.readInt32LE(4) * 2 ** 32 + time.readUInt32LE(0)
  return seconds * 1000 + time.readUInt32LE(8) / 1e6
}
