import { dial } from './dial.js'
import { failed } from './errors.js'
import { httpProbe } from './http.js'
import type { Dial, Probe } from './ports.js'
import type { ProbeSpec } from './spec.js'
import { tcpProbe } from './tcp.js'

/** What some kinds need from the system; each has its home in src. A kind without its port fails as a local error. */
export type ProbePorts = {
  /** Plain TCP. Default: Node's own sockets. */
  readonly dial?: Dial
}

/** The attempt that a specification describes, prepared once. Never throws: what cannot be prepared fails as a local error. */
export function probeFor(spec: ProbeSpec, ports: ProbePorts = {}): Probe {
  try {
    return prepare(spec, ports)
  } catch (error) {
    const outcome = failed('local-error', 'SOCKERR', error instanceof Error ? error.message : String(error))
    return async () => outcome
  }
}

function prepare(spec: ProbeSpec, ports: ProbePorts): Probe {
  const tcp = ports.dial ?? dial
  switch (spec.kind) {
    case 'tcp':
      return tcpProbe(spec, tcp)
    case 'http':
      return httpProbe(spec, tcp)
    default:
      return async () => failed('local-error', 'SOCKERR', `no ${spec.kind} checks here`)
  }
}
