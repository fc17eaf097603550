import type { EndServer, RealServerConfig, ServerSource, ServerTemplate, ServiceIdConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { RealServerFile, ServiceFile } from '../schema/service.js'
import { family } from '../schema/values.js'
import type { Checks, Resolved } from './checks.js'
import { defined } from './defined.js'
import { parseEndpoint } from './endpoint.js'
import { families, forwardOf, portOf, tunnel } from './forwarding.js'
import { place } from './place-checks.js'

/** What all real servers of one virtual server share. */
export type Common = {
  readonly name: string
  readonly path: Path
  readonly ids: readonly ServiceIdConfig[]
  readonly service: ServiceFile
  readonly use: { readonly checks: readonly Resolved[]; readonly require: 'all' | 'any' | number }
  readonly checks: Checks
  readonly marks: Set<number>
  readonly report: Reporter
}

/** What a real server has besides its address: its own words, else the service's. */
function template(
  path: Path,
  given: Partial<RealServerFile>,
  common: Common,
): ServerTemplate & { readonly resolved: readonly Resolved[] } {
  const { service, report } = common
  const forward = forwardOf(path, given.forward ?? service.forward, common)
  const own = common.checks.use(path, given)
  const use = own ?? common.use
  const upper = given.upper ?? service.upper ?? 0
  const lower = given.lower ?? service.lower ?? 0
  if (lower > 0 && lower >= upper)
    report.error(
      'thresholds',
      [...(given.lower === undefined ? common.path : path), 'lower'],
      `lower (${lower}) must be below upper (${upper})`,
    )
  return {
    weight: given.weight ?? service.weight ?? 1,
    forward,
    upper,
    lower,
    tier: given.tier ?? 1,
    checks: [],
    require: use.require,
    resolved: use.checks,
    ...defined({
      tunnel: tunnel(path, forward, given.tunnel ?? service.tunnel, given.tunnel !== undefined, common),
      start: given.start,
      onDown: given.on_down,
    }),
  }
}

/** One entry of the list: one real server, or all of a range. */
export function realServer(path: Path, given: RealServerFile, common: Common): RealServerConfig[] {
  const { report } = common
  const { address: text } = given
  const endpoint = text === undefined ? undefined : parseEndpoint(text)
  if (endpoint === undefined) {
    const message =
      text === undefined
        ? 'a real server needs an address, dns or file'
        : `address: expected an address such as 10.9.0.21 or 10.9.0.21:8080, found ${JSON.stringify(text)}`
    report.error(
      text === undefined ? 'real-server-what' : 'bad-endpoint',
      text === undefined ? path : [...path, 'address'],
      message,
    )
    return []
  }
  for (const key of ['record', 'refresh'] as const)
    if (given[key] !== undefined) report.error('key-needs', [...path, key], `${key} needs dns`, { at: 'key' })
  if (endpoint.port !== undefined && given.port !== undefined)
    report.error('port-twice', [...path, 'port'], `${text} has a port already`, { at: 'key' })
  const { resolved, ...rest } = template(path, given, common)
  const port = portOf(path, endpoint.port ?? given.port, rest.forward, common)
  return endpoint.addresses.map(address => {
    families(path, address, rest.forward, common)
    return { address, port, ...rest, checks: place(path, address, port, rest.forward, resolved, common) }
  })
}

/** An entry that is looked up while running. */
export function source(path: Path, given: RealServerFile, common: Common): ServerSource[] {
  const { report } = common
  const kinds = (['address', 'dns', 'file'] as const).filter(key => given[key] !== undefined)
  if (kinds.length > 1) report.error('real-server-what', path, `a real server has one of: ${kinds.join(', ')}`)
  const { resolved, ...rest } = template(path, given, common)
  const port = portOf(path, given.port, rest.forward, common)
  const checks = place(path, given.dns ?? given.file ?? '', port, rest.forward, resolved, common)
  const refresh = given.refresh ?? 30_000
  if (given.file !== undefined) {
    if (given.record !== undefined) report.error('key-needs', [...path, 'record'], 'record needs dns', { at: 'key' })
    return [{ kind: 'file', path: given.file, port, refresh, ...rest, checks }]
  }
  const [first] = common.ids
  const record =
    given.record ??
    (first !== undefined && ('mark' in first ? first.family : family(first.address)) === 6 ? 'AAAA' : 'A')
  return [{ kind: 'dns', name: given.dns ?? '', record, port, refresh, ...rest, checks }]
}

/** Who serves below the quorum. */
export function sorryServer(path: Path, common: Common): (EndServer & { readonly inhibit: boolean }) | undefined {
  const { service, report } = common
  if (service.sorry_server === undefined) return undefined
  const given = typeof service.sorry_server === 'string' ? { address: service.sorry_server } : service.sorry_server
  const endpoint = parseEndpoint(given.address)
  const [address, more] = endpoint?.addresses ?? []
  if (endpoint === undefined || address === undefined || more !== undefined) {
    report.error(
      'bad-endpoint',
      path,
      `sorry_server: expected an address such as 10.9.0.90, found ${JSON.stringify(given.address)}`,
    )
    return undefined
  }
  const {
    forward: ownForward,
    tunnel: ownTunnel,
    port: ownPort,
    inhibit = false,
  } = given as Partial<Exclude<ServiceFile['sorry_server'], string | undefined>>
  const forward = forwardOf(path, ownForward ?? service.forward, common)
  const port = portOf(path, endpoint.port ?? ownPort, forward, { ...common, service: { ...service, port: undefined } })
  families(path, address, forward, common)
  return {
    address,
    port,
    forward,
    inhibit,
    ...defined({ tunnel: tunnel(path, forward, ownTunnel ?? service.tunnel, ownTunnel !== undefined, common) }),
  }
}
