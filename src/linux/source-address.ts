import { addressBytes } from '../../vrrp/address.js'
import { addressText, familyNumber, familyOf } from './ip-address.js'
import { libc, refusal } from './libc.js'

/** SOCK_DGRAM | SOCK_CLOEXEC */
const datagram = 2 | 0o2000000
/** Any port: connecting a datagram socket sends nothing. */
const discard = 9

/**
 * Which of our own addresses the kernel would use towards another one (connect(2) on a datagram socket looks up the
 * route and sends nothing), or the errno of there being no way: ENETUNREACH, EHOSTUNREACH ...
 */
export function sourceTowards(address: string): { readonly source: string } | { readonly errno: string } {
  const fd = libc.socket(familyNumber(address), datagram, 0)
  const none = refusal(fd)
  if (none !== undefined) return { errno: none }
  try {
    const ipv4 = familyOf(address) === 4
    const remote = Buffer.alloc(ipv4 ? 16 : 28)
    remote.writeUInt16LE(familyNumber(address), 0)
    remote.writeUInt16BE(discard, 2)
    remote.set(addressBytes(address), ipv4 ? 4 : 8)
    const refused = refusal(libc.connect(fd, remote, remote.length))
    if (refused !== undefined) return { errno: refused }
    const local = Buffer.alloc(28)
    const unknown = refusal(libc.getsockname(fd, local, [local.length]))
    if (unknown !== undefined) return { errno: unknown }
    return { source: addressText(ipv4 ? local.subarray(4, 8) : local.subarray(8, 24)) }
  } finally {
    libc.close(fd)
  }
}
