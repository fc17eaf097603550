import { failureOf } from './errors.js'
import type { Probe, Resolve } from './ports.js'
import type { ArpSpec } from './spec.js'

/** Asks the segment who has the address: a host that filters everything else still answers this. */
export function arpProbe({ interface: link }: ArpSpec, resolve: Resolve): Probe {
  return async ({ address }, signal) => {
    const answer = await resolve(address, link, signal)
    return 'mac' in answer ? { passed: true, layer: 'L4OK', detail: answer.mac } : failureOf(answer.errno)
  }
}
