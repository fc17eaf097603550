import { dial } from './dial.js'
import { failed } from './errors.js'
import { grpcProbe } from './grpc.js'
import { httpProbe } from './http.js'
import { http2Probe } from './http2.js'
import { httpsProbe } from './https.js'
import type { Dial, Probe } from './ports.js'
import { secureOpen } from './secure.js'
import { serverName } from './server-name.js'
import type { HttpSpec, ProbeSpec } from './spec.js'
import { tcpProbe } from './tcp.js'
import { tlsProbe } from './tls.js'

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
    case 'tls':
      return tlsProbe(spec, tcp)
    case 'http':
      return httpKind(spec, tcp)
    case 'grpc':
      return grpcProbe(spec, tcp)
    default:
      return async () => failed('local-error', 'SOCKERR', `no ${spec.kind} checks here`)
  }
}

/** HTTP/2 by node:http2, HTTPS by undici; without TLS, and for HTTP/1.0, one request over the bare stream. */
function httpKind(spec: HttpSpec, tcp: Dial): Probe {
  const { tls, version, proxy } = spec
  if (version === '2') return http2Probe(spec, tcp)
  if (!tls) return httpProbe(spec, tcp)
  if (version === '1.1') return httpsProbe({ ...spec, tls }, tcp)
  return httpProbe({ ...spec, proxy: undefined }, secureOpen({ ...tls, sni: serverName(spec) }, tcp, proxy))
}
