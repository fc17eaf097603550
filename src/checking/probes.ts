import { failed } from '../../checkers/errors.js'
import type { Dial, Probe } from '../../checkers/ports.js'
import type { ProbePorts } from '../../checkers/probe-for.js'
import { probeFor } from '../../checkers/probe-for.js'
import type { ProbeSpec } from '../../checkers/spec.js'
import { familyOf } from '../ipvs/address.js'
import type { Links } from '../linux/links.js'
import type { NeighbourState } from '../linux/watch-neighbours.js'
import type { ClientPaths, PathSpec } from './client-paths.js'
import type { createProbePorts } from './probe-ports.js'

/** The attempts that checks describe, with what this machine has for them. */
export function createProbes(
  { markedDial, ...ports }: ReturnType<typeof createProbePorts>,
  links: Pick<Links, 'addresses' | 'byIndex' | 'primary'>,
  paths: ClientPaths,
  /** What the kernel knows of a neighbour. */
  neighbour: (address: string) => NeighbourState | undefined,
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

  /**
   * Silence is an answer only of a host that got the datagram: to one that nobody resolves nothing was sent. The kernel forgets
   * failed neighbours; only one that answers is there again.
   */
  const gone = new Set<string>()
  function datagram(spec: ProbeSpec): Probe {
    const probe = probeFor(spec, ports)
    return async (target, signal) => {
      const outcome = await probe(target, signal)
      if (!outcome.passed || outcome.layer !== 'L4OK') return outcome
      const { address } = target
      const state = neighbour(address)
      if (state === 'failed') gone.add(address)
      else if (state === 'answers') gone.delete(address)
      return gone.has(address) ? failed('unreachable', 'L4CON', 'nobody answers ARP or neighbour discovery') : outcome
    }
  }

  return spec => {
    if (spec.kind === 'client-path') return along(spec as PathSpec)
    return spec.kind === 'udp' ? datagram(spec) : probeFor(spec, ports)
  }
}
