import { errnoName, KernelError } from './errno.js'
import { libc, must, refusal } from './libc.js'
import { flag, frame, type Request } from './netlink.js'

export type NetlinkNow = {
  /** Carries all of them out before it returns. Answers what the kernel refused. */
  carryOut(requests: readonly Request[]): readonly KernelError[]
  close(): void
}

/** linux/netlink.h, socket(2) */
const afNetlink = 16
const sockRaw = 3
const cloexecNonblock = 0o2000000 | 0o4000
const error = 2
/** Requests of one sendto: all that they may answer must fit the socket's buffer (net.core.rmem_default, 208 KiB). */
const most = 64

/**
 * A rtnetlink socket for what must not wait for the next turn of the loop: the kernel carries requests out within sendto, and has answered when that
 * returns (rtnetlink_rcv in net/core/rtnetlink.c).
 */
export function openNetlinkNow(): NetlinkNow {
  const fd = must(libc.socket(afNetlink, sockRaw | cloexecNonblock, 0), 'open a netlink socket')
  const kernel = Buffer.alloc(12)
  kernel.writeUInt16LE(afNetlink, 0)
  const answer = Buffer.alloc(65_536)
  let sequence = 0

  return {
    carryOut(requests) {
      const refused: KernelError[] = []
      for (let at = 0; at < requests.length; at += most) refused.push(...send(requests.slice(at, at + most)))
      return refused
    },
    close: () => void libc.close(fd),
  }

  function send(requests: readonly Request[]): KernelError[] {
    const first = sequence + 1
    const last = requests.length - 1
    const bytes = Buffer.concat(
      requests.map((request, index) => frame(request, flag.request | (index === last ? flag.ack : 0), first + index)),
    )
    sequence = (first + last) % 0x7fff0000
    const failed = refusal(libc.sendto(fd, bytes, bytes.length, 0, kernel, kernel.length))
    if (failed !== undefined) return requests.map(({ what }) => new KernelError(what, failed))
    const refused: KernelError[] = []
    let acknowledged = false
    for (let length = read(); length > 0; length = read())
      for (let at = 0; at + 16 <= length; at += (Math.max(16, answer.readUInt32LE(at)) + 3) & ~3) {
        const index = answer.readUInt32LE(at + 8) - first
        const request = requests[index]
        // What is left of an earlier call is nobody's any more.
        if (answer.readUInt16LE(at + 4) !== error || !request) continue
        if (index === last) acknowledged = true
        const errno = -answer.readInt32LE(at + 16)
        if (errno > 0) refused.push(new KernelError(request.what, errnoName(errno)))
      }
    const unanswered = requests[last]
    if (!acknowledged && unanswered) refused.push(new KernelError(unanswered.what, 'ENOBUFS'))
    return refused
  }

  function read(): number {
    return libc.recvfrom(fd, answer, answer.length, 0, Buffer.alloc(12), [12])
  }
}
