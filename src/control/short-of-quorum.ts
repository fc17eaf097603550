import type { RealServerStatus, ServiceStatus } from '../messages.js'
import type { Touched } from './servers.js'

/**
 * The virtual servers that fall below their quorum when these real servers carry `weight` from now on, in words.
 * Those that are below it already are not named: nothing changes for them.
 */
export function shortOfQuorum(services: readonly ServiceStatus[], lost: readonly Touched[], weight: number): string[] {
  return services.flatMap(service => {
    if (service.state === 'down') return []
    const touched = service.realServers.filter(server =>
      lost.some(one => one.service === service.name && one.address === server.address && one.port === server.port),
    )
    const change = touched.reduce((sum, server) => sum + (serves(server) ? weight - shareOf(server) : 0), 0)
    const left = Math.max(0, service.weightUp + change)
    if (change >= 0 || (left > 0 && left >= service.quorum)) return []
    return [`${service.name} falls below its quorum: weight ${left} of ${Math.max(1, service.quorum)} is left`]
  })
}

function serves({ state }: RealServerStatus): boolean {
  return state === 'up' || state === 'unchecked'
}

function shareOf({ weight, override }: RealServerStatus): number {
  return override?.verb === 'weight' ? (override.weight ?? weight) : weight
}
