import type { TunnelConfig } from '../config.js'
import type { Path } from '../problem.js'
import type { ServiceFile } from '../schema/service.js'
import { family } from '../schema/values.js'
import type { Common } from './real-servers.js'

export type Forward = 'nat' | 'dr' | 'tun'

/** How packets reach a real server: said, or an error. */
export function forwardOf(
  path: Path,
  forward: Forward | undefined,
  { name, report, path: servicePath }: Common,
): Forward {
  if (forward === undefined)
    report.error(
      'forward-missing',
      path.length > servicePath.length ? servicePath : path,
      `${name} does not say how packets reach its real servers`,
      {
        suggestion: 'forward: nat, dr or tun',
        at: 'key',
      },
    )
  return forward ?? 'nat'
}

/** The tunnel of `forward: tun`, with what its kind takes. */
export function tunnel(
  path: Path,
  forward: Forward,
  given: NonNullable<ServiceFile['tunnel']> | undefined,
  own: boolean,
  { report, path: servicePath }: Common,
): TunnelConfig | undefined {
  const at = own ? [...path, 'tunnel'] : [...servicePath, 'tunnel']
  if (forward !== 'tun') {
    if (own)
      report.error('tunnel-forward', at, `tunnel is for forward: tun, not for forward: ${forward}`, { at: 'key' })
    return undefined
  }
  if (given === undefined) return { type: 'ipip' }
  const { type, port, checksum = 'none' } = given
  if (type === 'gue' && port === undefined) report.error('tunnel-port', at, 'a gue tunnel needs a port', { at: 'key' })
  if (type !== 'gue' && port !== undefined)
    report.error('tunnel-port', [...at, 'port'], `port is for gue tunnels, not for ${type}`, { at: 'key' })
  if ((type === 'ipip' && checksum !== 'none') || (type === 'gre' && checksum === 'remcsum'))
    report.error('tunnel-checksum', [...at, 'checksum'], `a tunnel of type ${type} has no checksum: ${checksum}`)
  if (type === 'gue') return { type, port: port ?? 0, checksum }
  return type === 'gre' ? { type, checksum: checksum === 'csum' ? 'csum' : 'none' } : { type: 'ipip' }
}

/** The port in the table: the service's own, unless NAT maps it. */
export function portOf(
  path: Path,
  own: number | undefined,
  forward: Forward,
  { ids, service, report }: Common,
): number {
  const given = own ?? service.port
  const only =
    ids.length > 0 &&
    ids.every(id => 'port' in id && 'port' in (ids[0] as object) && id.port === (ids[0] as { port: number }).port)
      ? (ids[0] as { port: number }).port
      : undefined
  if (given === undefined) return only ?? 0
  if (forward !== 'nat' && given !== only) {
    const where = only === undefined ? 'has no port of its own' : `listens on ${only}`
    report.error(
      'port-mapping',
      path,
      `forward: ${forward} cannot map ports: the real server has ${given}, the virtual server ${where}`,
      {
        suggestion: 'use forward: nat, or the same port; a check of another port is written check: { port: ... }',
      },
    )
  }
  return given
}

/** Only tunnels cross families. */
export function families(path: Path, address: string, forward: Forward, { ids, report }: Common): void {
  if (forward === 'tun') return
  const own = family(address)
  const other = ids.find(id => ('mark' in id ? id.family : family(id.address)) !== own)
  if (other !== undefined)
    report.error(
      'family-mismatch',
      path,
      `${address} is IPv${own}, the virtual server is IPv${own === 4 ? 6 : 4}: only forward: tun can cross families`,
    )
}
