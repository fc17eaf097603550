import type { ProbeSpec, TlsSpec } from '../../checkers/spec.js'
import { httpSpec } from './check-spec.js'

const tls: TlsSpec = { verify: 'full', warnDays: 14, failDays: 0 }
const regex = { bodyRegex: 'never there' }
/** A check of every kind that speaks over TCP. */
export const checks: Record<string, ProbeSpec> = {
  tcp: { kind: 'tcp', steps: [{ send: { text: 'hi' } }, { expect: { regex: 'never there' } }] },
  tls: { kind: 'tls', tls, steps: [] },
  http: httpSpec(regex),
  https: httpSpec({ ...regex, tls }),
  h2c: httpSpec({ ...regex, version: '2' }),
  grpc: { kind: 'grpc', service: '' },
  dns: { kind: 'dns', transport: 'tcp', name: '.', type: 'SOA', rcode: ['NOERROR'], minAnswers: 0, recurse: true },
  smtp: { kind: 'smtp', helo: 'd1' },
  redis: { kind: 'redis' },
  mysql: { kind: 'mysql', user: 'check', password: 'x' },
  postgresql: { kind: 'postgresql', user: 'check', database: 'x', password: 'x' },
  ldap: { kind: 'ldap' },
}

const any: TlsSpec = { ...tls, verify: 'none' }
/** A check of every kind that speaks under TLS from the start, and trusts whoever answers. */
export const secureChecks: Record<string, ProbeSpec> = {
  tls: { kind: 'tls', tls: any, steps: [{ send: { text: 'hi' } }, { expect: { regex: 'never there' } }] },
  'https 1.0': httpSpec({ ...regex, tls: any, version: '1.0' }),
  'https 1.1': httpSpec({ ...regex, tls: any }),
  h2: httpSpec({ ...regex, tls: any, version: '2' }),
  grpc: { kind: 'grpc', service: '', tls: any },
  redis: { kind: 'redis', tls: any },
  ldap: { kind: 'ldap', tls: any },
}
