import type { Outcome, Probe } from './ports.js'
import type { ClientPathSpec } from './spec.js'

/**
 * Asks the VIP through one real server, by the marked one-server service that leads to it alone. A failure carries the
 * cause that the way of its failing suggests: packets that reach a listener elsewhere, nobody, or nothing at all.
 */
export function clientPathProbe({ vip, vport, forward = 'dr' }: ClientPathSpec, inner: Probe): Probe {
  const target = { address: vip, port: vport }
  return async (_, signal) => {
    const outcome = await inner(target, signal)
    if (outcome.passed || outcome.reason === 'local-error') return outcome
    const cause = likelyCause(outcome, forward, vip)
    if (cause === undefined) return outcome
    return { ...outcome, detail: outcome.detail === undefined ? cause : `${outcome.detail}; ${cause}` }
  }
}

function likelyCause(
  { reason, layer, detail }: Extract<Outcome, { passed: false }>,
  forward: 'dr' | 'tun',
  vip: string,
): string | undefined {
  // An answer, even a wrong one, came along the clients' way: the way is fine.
  if (layer.startsWith('L6') || layer.startsWith('L7')) return undefined
  switch (reason) {
    case 'refused':
      return `the real server has ${vip}, but nothing listens on it: the service listens on its own address only`
    case 'unreachable':
      // Rejected (ICMP port unreachable), or sent on by a real server that forwards (host unreachable).
      if (detail !== 'ENOPROTOOPT')
        return `the real server has not ${vip} and sends the packets on: VIP missing on ${forward === 'tun' ? 'tunl0' : 'lo'}`
      return forward === 'tun'
        ? 'the real server takes no tunnel packets: tunl0 is missing or down, or a firewall rejects them'
        : `a firewall on the real server rejects connections to ${vip}`
    case 'timeout':
      return forward === 'tun'
        ? `the tunnel is broken, ${vip} is missing on tunl0, or rp_filter drops what comes out of it`
        : `${vip} is missing on lo, or the answers do not come back (rp_filter, firewall)`
    default:
      return undefined
  }
}
