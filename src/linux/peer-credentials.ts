import type { Socket } from 'node:net'
import { libc, must } from './libc.js'

export type Credentials = { readonly pid: number; readonly uid: number; readonly gid: number }

/** SOL_SOCKET, SO_PEERCRED */
const level = 1
const peerCredentials = 17

/** Who connected to a UNIX stream socket (unix(7), SO_PEERCRED), as the kernel saw it at connect. Undefined once the socket is closed. Throws a KernelError. */
export function credentialsOf(socket: Socket): Credentials | undefined {
  const fd = descriptor(socket)
  if (fd === undefined) return undefined
  const bytes = Buffer.alloc(12)
  must(libc.getsockopt(fd, level, peerCredentials, bytes, [bytes.length]), 'ask who connected')
  return { pid: bytes.readInt32LE(0), uid: bytes.readUInt32LE(4), gid: bytes.readUInt32LE(8) }
}

/** libuv's handle knows the number; Node shows it in no other place. */
function descriptor(socket: Socket): number | undefined {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}
