import type { Dial, Outcome, Probe } from './ports.js'
import { secureOpen } from './secure.js'
import type { TlsProbeSpec } from './spec.js'
import { tcpProbe } from './tcp.js'

const shaken: Outcome = { passed: true, layer: 'L6OK' }

/** A TLS handshake; then, if there are steps, a conversation inside. */
export function tlsProbe({ tls, proxy, ...spec }: TlsProbeSpec, dial: Dial): Probe {
  return tcpProbe(spec, secureOpen(tls, dial, proxy), shaken)
}
