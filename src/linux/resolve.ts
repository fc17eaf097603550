import type { Resolve } from '../../checkers/ports.js'
import { addressBytes } from '../../vrrp/address.js'
import { probeConflict } from './conflict-probe.js'
import { sameSubnet } from './ip-address.js'
import type { Links } from './links.js'

/** Longer than any check waits: its signal ends the waiting. */
const NEVER = 60_000

/** Asks the segment who has an address, on the interface given or on the one whose network it is in. */
export function resolver(links: Links): Resolve {
  return async (target, link, signal) => {
    const [address = '', zone] = target.split('%')
    const name = link ?? zone ?? onLink(links, address)
    // No network of ours: a question that no segment of this machine can answer.
    if (name === undefined) return { errno: 'ENETUNREACH' }
    const found = await probeConflict(links, { interface: name, address, timeout: NEVER, signal })
    if ('mac' in found) return found
    return { errno: 'refused' in found ? found.refused : 'ETIMEDOUT' }
  }
}

/** The interface whose network holds the address. */
export function onLink(links: Links, address: string): string | undefined {
  const bytes = addressBytes(address)
  const own = links
    .addresses()
    .find(({ address: mine, prefix }) => mine !== address && sameSubnet(addressBytes(mine), bytes, prefix))
  return own && links.byIndex(own.index)?.name
}
