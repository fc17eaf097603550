import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { failed } from './errors.js'
import { examine, guarded, unexamined, unforeseen } from './examine.js'
import type { Outcome, Target } from './ports.js'

/** libuv takes ENOBUFS for EAGAIN, and tries again until there is room: nobody is asked meanwhile, and silence says nothing. */
const unsent = failed(
  'local-error',
  'SOCKERR',
  'the datagram did not leave in time: no room to send it (ENOBUFS), or no processor time',
)

/**
 * One attempt over a connected UDP socket: only answers of the target arrive, and the kernel tells its ICMP
 * unreachable as ECONNREFUSED on the same socket (ip(7), udp(7)).
 */
export function datagram(
  target: Target,
  payload: Uint8Array,
  signal: AbortSignal,
  talk: {
    /** undefined: wait for another one. A function judges in a turn of its own, which may be long. */
    readonly received: (message: Buffer) => Outcome | (() => Outcome) | undefined
    readonly failed: (errno: string, text?: string) => Outcome
    readonly late: () => Outcome
  },
): Promise<Outcome> {
  return new Promise(resolve => {
    const socket = createSocket(isIPv6(target.address) || target.address.includes('%') ? 'udp6' : 'udp4')
    let settled = false
    let weighing = false
    let sent = false
    const settle = (outcome: Outcome) => {
      if (settled) return
      settled = true
      signal.removeEventListener('abort', late)
      socket.close()
      resolve(outcome)
    }
    const late = () => settle(weighing ? unexamined : sent ? talk.late() : unsent)
    const fail = (error: NodeJS.ErrnoException | null) => {
      if (error) settle(talk.failed(error.code ?? 'UNKNOWN', error.message))
    }
    /** Whatever a server sends, and nobody foresaw: it ends this attempt, not the process. */
    const heard = (message: Buffer) => {
      try {
        return talk.received(message)
      } catch (error) {
        return unforeseen(error)
      }
    }
    socket.on('error', fail)
    socket.on('message', message => {
      if (weighing) return
      const outcome = heard(message)
      if (typeof outcome === 'function') {
        weighing = true
        examine(() => {
          if (!settled) settle(guarded(outcome))
        })
      } else if (outcome) settle(outcome)
    })
    socket.connect(target.port, target.address, () => {
      if (settled) return
      socket.send(payload, error => {
        sent = error === null
        fail(error)
      })
    })
    if (signal.aborted) late()
    else signal.addEventListener('abort', late)
  })
}
