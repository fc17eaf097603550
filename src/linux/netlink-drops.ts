import { readdirSync } from 'node:fs'
import { assemble, attachFilter, type Instruction } from './bpf.js'
import { KernelError } from './errno.js'
import { int32, libc, refusal, setOption } from './libc.js'

const afNetlink = 16
const solNetlink = 270
const noEnobufs = 5
const so = { socket: 1, rcvbufForce: 33, memInfo: 55 } as const
const buffer = 2 << 20

/**
 * Prepares the netlink socket with this port for notifications in a flood of them: a large buffer, and no error when it overflows (netlink(7), NETLINK_NO_ENOBUFS), because
 * the error ends the process inside the netlink package: libuv reports it as a bad descriptor, and the package makes a string of a null pointer. The overflow
 * is found by the kernel's count of drops instead, which the result reads. `filter` says what the kernel keeps to itself.
 */
export function netlinkDrops(port: number, filter?: readonly Instruction[]): () => number {
  const fd = descriptor(port)
  if (filter) {
    const { option, program } = assemble(filter)
    setOption(fd, so.socket, attachFilter, option, 'load a filter on a netlink socket')
    // The kernel has copied it by now, and not before.
    program.fill(0)
  }
  setOption(fd, solNetlink, noEnobufs, 1, 'prepare a netlink socket')
  // Without CAP_NET_ADMIN in the first user namespace it stays as net.core.rmem_max allows.
  libc.setsockopt(fd, so.socket, so.rcvbufForce, int32(buffer), 4)
  const info = Buffer.alloc(36)
  return () => {
    // struct sk_meminfo: nine words, the last one counts drops (linux/sock_diag.h).
    const refused = refusal(libc.getsockopt(fd, so.socket, so.memInfo, info, [info.length]))
    return refused === undefined ? info.readUInt32LE(32) : 0
  }
}

/** The package keeps its descriptor to itself; the kernel knows it by family and port (struct sockaddr_nl: family, pad, port, groups). */
function descriptor(port: number): number {
  const address = Buffer.alloc(128)
  for (const entry of readdirSync('/proc/self/fd')) {
    const fd = Number(entry)
    if (refusal(libc.getsockname(fd, address, [address.length])) !== undefined) continue
    // Ports are unique per netlink family only: several sockets of this process may have it, so look at the protocol, too.
    if (address.readUInt16LE(0) === afNetlink && address.readUInt32LE(4) === port && protocol(fd) === 0) return fd
  }
  throw new KernelError('find a netlink socket', 'EBADF')
}

/** SO_PROTOCOL: 0 is NETLINK_ROUTE. */
function protocol(fd: number): number {
  const value = Buffer.alloc(4)
  libc.getsockopt(fd, so.socket, 38, value, [4])
  return value.readInt32LE(0)
}
