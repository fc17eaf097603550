import { libc, refusal } from './libc.js'

/**
 * Tells systemd something (sd_notify(3)): `READY=1`, `WATCHDOG=1`, `STATUS=...`, several joined by newlines. Without NOTIFY_SOCKET nothing happens. Returns the
 * errno name when the message could not be sent. Node has no datagram sockets of the UNIX family.
 */
export function notifySystemd(message: string, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = environment['NOTIFY_SOCKET']
  if (!path) return undefined
  const address = unixAddress(path)
  if (!address) return 'EINVAL'
  const fd = libc.socket(afUnix, datagram, 0)
  const refused = refusal(fd)
  if (refused !== undefined) return refused
  const bytes = Buffer.from(message)
  const code = refusal(libc.sendto(fd, bytes, bytes.length, noSignal, address, address.length))
  libc.close(fd)
  return code
}

const afUnix = 1
/** SOCK_DGRAM | SOCK_CLOEXEC */
const datagram = 2 | 0o2000000
/** MSG_NOSIGNAL | MSG_DONTWAIT: never stops for a systemd that does not read. */
const noSignal = 0x4000 | 0x40

/** struct sockaddr_un; `@name` is the abstract namespace. */
function unixAddress(path: string): Buffer | undefined {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path)
  if (name.length > 107 || (!path.startsWith('/') && !path.startsWith('@'))) return undefined
  const address = Buffer.alloc(2 + name.length + (path.startsWith('/') ? 1 : 0))
  address.writeUInt16LE(afUnix, 0)
  name.copy(address, 2)
  return address
}
