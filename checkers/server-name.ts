import { isIP } from 'node:net'
import type { HttpSpec } from './spec.js'

/** The name for the handshake: as given, else the Host header's, unless that is an address. */
export function serverName({ tls, host }: Pick<HttpSpec, 'tls' | 'host'>): string | undefined {
  if (tls?.sni !== undefined || host === undefined) return tls?.sni
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return isIP(name) ? undefined : name
}
