import { bytesOf, matcherOf } from './bytes.js'
import { datagram } from './datagram.js'
import { excerpt, failed, failureOf, timedOut } from './errors.js'
import type { Outcome, Probe } from './ports.js'
import type { UdpSpec } from './spec.js'

const silence: Outcome = { passed: true, layer: 'L4OK', detail: 'no answer, and no ICMP unreachable' }
const answered: Outcome = { passed: true, layer: 'L7OK' }

/** One datagram. Where no answer is required, silence until the timeout passes and only an ICMP unreachable fails. */
export function udpProbe(spec: UdpSpec): Probe {
  const payload = bytesOf(spec.send)
  const matches = spec.expect && matcherOf(spec.expect)
  const required = spec.requireReply || matches !== undefined
  return (target, signal) =>
    datagram(target, payload, signal, {
      received(message) {
        if (!matches || matches(message)) return answered
        return failed('bad-reply', 'L7RSP', undefined, excerpt(message))
      },
      failed: failureOf,
      late: () => (required ? timedOut('L7') : silence),
    })
}
