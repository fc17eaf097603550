import type { Facts } from '../doctor/facts.js'
import type { Finding } from '../doctor/finding.js'
import type { Half } from './half.js'
import { isV6 } from './steps.js'
import { finding } from './verify-common.js'

// ---- somebody must listen where the packets arrive

export function listening(facts: Facts, half: Half): Finding[] {
  return half.services.flatMap(({ protocol, address, port }): Finding[] => {
    if (protocol === 'sctp') return []
    const all = facts.listeners.filter(one => one.protocol === protocol && one.port === port)
    const wild = all.some(one => one.address === '::' || (one.address === '0.0.0.0' && !isV6(address)))
    const where = isV6(address) ? `[${address}]:${port}` : `${address}:${port}`
    if (all.some(one => one.address === address)) return []
    if (wild && protocol === 'udp' && half.mode !== 'nat')
      return [
        finding(
          'note',
          'udp-wildcard',
          `The UDP service on port ${port} listens on every address: unless it answers from the address it was asked at, clients drop its answers. Bind it to ${address}.`,
        ),
      ]
    if (wild) return []
    const [other] = all
    if (other)
      return [
        finding(
          'problem',
          'listens-elsewhere',
          `Port ${port} (${protocol}) listens on ${other.address} only: packets to ${where} are refused, while a check of ${other.address} passes.`,
        ),
      ]
    return [finding('warning', 'not-listening', `Nobody listens on ${where} (${protocol}).`)]
  })
}
