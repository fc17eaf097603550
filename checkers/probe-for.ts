import { agentProbe } from './agent.js'
import { arpProbe } from './arp.js'
import { clientPathProbe } from './client-path.js'
import { dial } from './dial.js'
import { dnsProbe } from './dns.js'
import { failed } from './errors.js'
import { execProbe } from './exec.js'
import { fileProbe } from './file.js'
import { grpcProbe } from './grpc.js'
import { httpProbe } from './http.js'
import { http2Probe } from './http2.js'
import { httpsProbe } from './https.js'
import { icmpProbe } from './icmp.js'
import { ldapProbe } from './ldap.js'
import { mysqlProbe } from './mysql.js'
import type { Dial, Millis, Ping, Probe, Resolve } from './ports.js'
import { postgresqlProbe } from './postgresql.js'
import { pushProbe, type Reports } from './push.js'
import { redisProbe } from './redis.js'
import { secureOpen } from './secure.js'
import { serverName } from './server-name.js'
import { smtpProbe } from './smtp.js'
import type { HttpSpec, ProbeSpec } from './spec.js'
import { tcpProbe } from './tcp.js'
import { tlsProbe } from './tls.js'
import { udpProbe } from './udp.js'

/** What some kinds need from the system; each has its home in src. A kind without its port fails as a local error. */
export type ProbePorts = {
  /** Plain TCP. Default: Node's own sockets. */
  readonly dial?: Dial
  readonly ping?: Ping
  readonly resolve?: Resolve
  /** TCP whose packets carry this firewall mark. */
  readonly markedDial?: (mark: number) => Dial
  readonly reports?: Reports
  /** Monotonic; for the age of reports. Default performance.now. */
  readonly now?: () => Millis
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
    case 'dns':
      return dnsProbe(spec, tcp)
    case 'udp':
      return udpProbe(spec)
    case 'icmp':
      return icmpProbe(spec, needed(ports.ping, spec.kind))
    case 'arp':
      return arpProbe(spec, needed(ports.resolve, spec.kind))
    case 'smtp':
      return smtpProbe(spec, tcp)
    case 'mysql':
      return mysqlProbe(spec, tcp)
    case 'postgresql':
      return postgresqlProbe(spec, tcp)
    case 'redis':
      return redisProbe(spec, tcp)
    case 'ldap':
      return ldapProbe(spec, tcp)
    case 'exec':
      return execProbe(spec)
    case 'file':
      return fileProbe(spec)
    case 'push':
      return pushProbe(spec, needed(ports.reports, spec.kind), ports.now ?? (() => performance.now()))
    case 'agent':
      return agentProbe(spec, tcp)
    case 'client-path': {
      const marked = needed(ports.markedDial, spec.kind)(spec.mark)
      return clientPathProbe(spec, prepare(spec.inner, { ...ports, dial: marked }))
    }
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

function needed<T>(port: T | undefined, kind: string): T {
  if (port === undefined) throw new Error(`${kind} checks are not possible here`)
  return port
}
