import { failed } from '../../checkers/errors.js'
import type { Dial, Probe } from '../../checkers/ports.js'
import type { ProbePorts } from '../../checkers/probe-for.js'
import { probeFor } from '../../checkers/probe-for.js'
import type { ProbeSpec } from '../../checkers/spec.js'
import { familyOf } from '../ipvs/address.js'
import type { Links } from '../linux/links.js'
import type { ClientPaths, PathSpec } from './client-paths.js'
import type { createProbePorts } from './probe-ports.js'

/** The attempts that checks describe, with what this machine has for them. */
export function createProbes(
  { markedDial, ...ports }: ReturnType<typeof createProbePorts>,
  links: Pick<Links, 'addresses' | 'byIndex' | 'primary'>,
  paths: ClientPaths,
): (spec: ProbeSpec) => Probe {
  /** Where this director holds the VIP, packets to it must come from an address of its own that is not the VIP. */
  function ownAddress(vip: string): string | undefined {
    const held = links.addresses().find(({ address }) => address === vip)
    const link = held && links.byIndex(held.index)
    return link && links.primary(link.name, familyOf(vip), 'global')
  }

  function along(spec: PathSpec): Probe {
    const dial: Dial = (target, events, options) => markedDial(spec.mark, ownAddress(spec.vip))(target, events, options)
    const probe = probeFor(spec, { ...ports, markedDial: () => dial } satisfies ProbePorts)
    return async (target, signal) => {
      const before = paths.obstacle(spec)
      const outcome = before === undefined ? await probe(target, signal) : undefined
      // It may have become the holder meanwhile.
      const obstacle = before ?? paths.obstacle(spec)
      return outcome === undefined || obstacle !== undefined
        ? failed('local-error', 'SOCKERR', obstacle ?? 'not probed')
        : outcome
    }
  }

  return spec => (spec.kind === 'client-path' ? along(spec as PathSpec) : probeFor(spec, ports))
}
