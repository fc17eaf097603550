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
  const wanted = spec.expect && matcherOf(spec.expect)
  const required = spec.requireReply || wanted !== undefined
  return (target, signal) =>
    datagram(target, payload, signal, {
      received(message) {
        if (!wanted) return answered
        const judge = () =>
          wanted.matches(message) ? answered : failed('bad-reply', 'L7RSP', undefined, excerpt(message))
        return wanted.costly ? judge : judge()
      },
      failed: failureOf,
      late: () => (required ? timedOut('L7') : silence),
    })
}
