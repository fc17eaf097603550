import type { Outcome } from './ports.js'

type Failure = Extract<Outcome, { passed: false }>

/**
 * What an errno of connect(2), send(2) or recv(2) says about the real server. Whatever the director itself lacks
 * (descriptors, memory, ports, a route, an address, its own firewall's leave) is no failure of the server. Anything
 * unknown is one: an error that nobody foresaw must not keep a dead server in the table.
 */
export function failureOf(errno: string, text?: string): Failure {
  const known = failures[errno]
  if (known) return known
  const detail = text ? `${errno}: ${text}` : errno
  return local.has(errno) ? failed('local-error', 'SOCKERR', detail) : failed('bad-reply', 'L7RSP', detail)
}

/** An attempt that ran out of time while this layer was at work. */
export function timedOut(layer: 'L4' | 'L6' | 'L7', detail?: string, answer?: string): Failure {
  return failed('timeout', `${layer}TOUT`, detail, answer)
}

/** `detail` may hold what the server said: it is one printable line, and not long. */
export function failed(reason: Failure['reason'], layer: Failure['layer'], detail?: string, answer?: string): Failure {
  return {
    passed: false,
    reason,
    layer,
    ...(detail === undefined ? {} : { detail: excerpt(detail, DETAIL) }),
    ...(answer === undefined || answer === '' ? {} : { answer }),
  }
}

/** First bytes of an answer as one printable line. */
export function excerpt(bytes: Uint8Array | string, limit = 80): string {
  const text =
    typeof bytes === 'string' ? bytes.slice(0, limit) : Buffer.from(bytes.subarray(0, limit)).toString('latin1')
  return text.replace(
    /[^\x20-\x7e]/g,
    char => escapes[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

const DETAIL = 200

const escapes: Record<string, string> = { '\r': '\\r', '\n': '\\n', '\t': '\\t' }

const local = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
  'EADDRINUSE',
  'EAFNOSUPPORT',
  'EAGAIN',
  'EINVAL',
  'ENETDOWN',
  'ENETUNREACH',
  'ENODEV',
  'ENXIO',
  'EACCES',
  'EPERM',
])

const failures: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: failed('refused', 'L4CON'),
  ECONNRESET: failed('reset', 'L4CON'),
  EPIPE: failed('reset', 'L4CON'),
  ECONNABORTED: failed('reset', 'L4CON'),
  // The kernel's own retransmission limit; ours is nearly always shorter.
  ETIMEDOUT: timedOut('L4'),
  // No answer to ARP, or a router's ICMP: the host, not us.
  EHOSTUNREACH: failed('unreachable', 'L4CON', 'EHOSTUNREACH'),
  EHOSTDOWN: failed('unreachable', 'L4CON', 'EHOSTDOWN'),
  ENOPROTOOPT: failed('unreachable', 'L4CON', 'ENOPROTOOPT'),
  EPROTO: failed('unreachable', 'L4CON', 'EPROTO'),
}
