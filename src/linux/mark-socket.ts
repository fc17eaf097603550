import { Socket } from 'node:net'
import { addressBytes } from '../../vrrp/address.js'
import { errnoName, KernelError } from './errno.js'
import { errorQueue, fromAfar } from './icmp-errors.js'
import { familyNumber, familyOf } from './ip-address.js'
import { int32, libc, must, poll, refusal, setOption } from './libc.js'

export type SocketOptions = {
  readonly address: string
  readonly port: number
  /** SO_MARK: the firewall mark of every packet (needs CAP_NET_ADMIN). */
  readonly mark?: number
  /** The address to come from. */
  readonly source?: string
  /** SO_BINDTODEVICE */
  readonly interface?: string
}

/**
 * A TCP connection with options that node:net lacks. Resolves with a connected socket, rejects with a KernelError (`ECONNREFUSED`, `ENETUNREACH`, `EPERM`
 * ...) or, after `signal`, with its reason. The descriptor is made by libc and handed to Node only once the handshake has ended.
 */
export async function connectMarked(options: SocketOptions, signal?: AbortSignal): Promise<Socket> {
  signal?.throwIfAborted()
  const call = `connect to ${options.address} port ${options.port}`
  const fd = open(options, call)
  await new Promise<void>((resolve, reject) => {
    const watcher = poll(fd, { writable: true }, () => {
      const error = causeOf(fd)
      end(error === undefined ? undefined : new KernelError(call, error))
    })
    const aborted = () => end(signal?.reason)
    signal?.addEventListener('abort', aborted)

    function end(error: unknown) {
      // Before anything else uses the descriptor: libuv allows it one watcher.
      watcher.close()
      signal?.removeEventListener('abort', aborted)
      if (error === undefined) return resolve()
      libc.close(fd)
      reject(error)
    }
  })
  return new Socket({ fd, readable: true, writable: true })
}

/** Makes the socket and starts the handshake. */
function open(options: SocketOptions, call: string): number {
  const { address, port, mark, source } = options
  const fd = must(libc.socket(familyNumber(address), stream, 0), call)
  try {
    const [level, option] = errorQueue[familyOf(address)]
    setOption(fd, level, option, int32(1), 'keep ICMP errors')
    if (mark !== undefined) setOption(fd, 1, so.mark, int32(mark), `mark a socket with ${mark}`)
    if (options.interface !== undefined)
      setOption(fd, 1, so.bindToDevice, Buffer.from(`${options.interface}\0`), `bind to ${options.interface}`)
    if (source !== undefined) {
      // The port is chosen at connect, so that as many connections as with an unbound socket can be open.
      libc.setsockopt(fd, 0, ip.bindAddressNoPort, int32(1), 4)
      const local = socketAddress(source, 0)
      must(libc.bind(fd, local, local.length), `come from ${source}`)
    }
    const remote = socketAddress(address, port)
    const refused = refusal(libc.connect(fd, remote, remote.length))
    if (refused !== undefined && refused !== 'EINPROGRESS') throw new KernelError(call, refused)
    return fd
  } catch (error) {
    libc.close(fd)
    throw error
  }
}

/**
 * Why it failed. A refusal by ICMP is none of a service: a firewall rejects, or nobody takes packets out of the tunnel
 * (ip_tunnel answers with port unreachable). Only the error queue tells it from a reset (ip(7), IP_RECVERR).
 */
function causeOf(fd: number): string | undefined {
  const error = pendingError(fd)
  if (error === 'ECONNREFUSED' && libc.recvfrom(fd, scratch, 1, errQueue, scratch, [0]) >= 0) return 'ENOPROTOOPT'
  return error === undefined ? undefined : fromAfar(error)
}

const scratch = Buffer.alloc(1)
/** MSG_ERRQUEUE | MSG_DONTWAIT */
const errQueue = 0x2000 | 0x40

/** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const stream = 1 | 0o4000 | 0o2000000
const so = { error: 4, bindToDevice: 25, mark: 36 } as const
const ip = { bindAddressNoPort: 24 } as const

function pendingError(fd: number): string | undefined {
  const bytes = Buffer.alloc(4)
  const refused = refusal(libc.getsockopt(fd, 1, so.error, bytes, [4]))
  if (refused !== undefined) return refused
  const errno = bytes.readInt32LE(0)
  return errno === 0 ? undefined : errnoName(errno)
}

/** struct sockaddr_in, struct sockaddr_in6. */
function socketAddress(address: string, port: number): Buffer {
  const ipv4 = familyOf(address) === 4
  const bytes = Buffer.alloc(ipv4 ? 16 : 28)
  bytes.writeUInt16LE(familyNumber(address), 0)
  bytes.writeUInt16BE(port, 2)
  bytes.set(addressBytes(address), ipv4 ? 4 : 8)
  return bytes
}
