import type {
  CheckConfig,
  EndServer,
  RealServerConfig,
  ServerSource,
  ServerTemplate,
  ServiceConfig,
  ServiceIdConfig,
  TunnelConfig,
} from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { File } from '../schema/file.js'
import type { RealServerFile, ServiceFile } from '../schema/service.js'
import { family } from '../schema/values.js'
import type { Checks, Resolved } from './checks.js'
import { defined } from './defined.js'
import { parseEndpoint } from './endpoint.js'
import { pathMark } from './marks.js'

type Forward = 'nat' | 'dr' | 'tun'

export function services(file: File, checks: Checks, report: Reporter): ServiceConfig[] {
  const marks = new Set<number>(Object.values(file.virtual_servers ?? {}).flatMap(service => service.mark ?? []))
  return Object.entries(file.virtual_servers ?? {}).map(([name, service]) => {
    const path: Path = ['virtual_servers', name]
    const ids = serviceIds(path, service, report)
    const use = checks.use(path, service)
    if (
      use === undefined &&
      service.real_servers !== undefined &&
      service.real_servers.some(
        server => typeof server === 'string' || (server.check === undefined && server.checks === undefined),
      )
    )
      report.warn('no-check', path, `${name} checks nothing: real servers that are gone stay in the table`, {
        suggestion: 'check: { tcp: {} }, or check: none to keep it so',
        at: 'key',
      })
    const common: Common = {
      name,
      path,
      ids,
      service,
      use: use ?? { checks: [], require: 'all' },
      checks,
      marks,
      report,
    }
    const realServers: RealServerConfig[] = []
    const sources: ServerSource[] = []
    for (const [index, given] of (service.real_servers ?? []).entries()) {
      const at = [...path, 'real_servers', index]
      const server = typeof given === 'string' ? { address: given } : given
      if (server.dns !== undefined || server.file !== undefined) sources.push(...source(at, server, common))
      else realServers.push(...realServer(at, server, common))
    }
    if (service.real_servers === undefined || service.real_servers.length === 0)
      report.warn('no-real-servers', path, `${name} has no real servers`, { at: 'key' })
    return {
      name,
      ids,
      settings: settings(path, service, ids, realServers, report),
      start: service.start ?? 'check',
      onDown: service.on_down ?? 'remove',
      quorum: service.quorum ?? 1,
      hysteresis: service.hysteresis ?? 0,
      slowStart: service.slow_start ?? 0,
      tierMinimum: service.tier_minimum ?? 1,
      realServers,
      sources,
      ...defined({ sorryServer: sorryServer([...path, 'sorry_server'], common) }),
    }
  })
}

type Common = {
  readonly name: string
  readonly path: Path
  readonly ids: readonly ServiceIdConfig[]
  readonly service: ServiceFile
  readonly use: { readonly checks: readonly Resolved[]; readonly require: 'all' | 'any' | number }
  readonly checks: Checks
  readonly marks: Set<number>
  readonly report: Reporter
}

function serviceIds(path: Path, service: ServiceFile, report: Reporter): ServiceIdConfig[] {
  if ((service.address === undefined) === (service.mark === undefined)) {
    const message =
      service.address === undefined ? 'a virtual server needs an address, or a mark' : 'address and mark: one of them'
    report.error('address-or-mark', path, message, { suggestion: 'address: 10.9.0.100:80', at: 'key' })
    return []
  }
  if (service.mark !== undefined) {
    for (const key of ['ports', 'protocol'] as const)
      if (service[key] !== undefined)
        report.error(
          'mark-with',
          [...path, key],
          `${key} is for services with an address: a mark stands for every packet that carries it`,
          { at: 'key' },
        )
    const kind = markFamily(service)
    return service.mark.map(mark => ({ mark, family: kind }))
  }
  if (service.family !== undefined)
    report.error('mark-with', [...path, 'family'], 'family is for services with a mark', { at: 'key' })
  const ports = service.ports?.flatMap((given, index) => portRange([...path, 'ports', index], given, report))
  return (service.address ?? []).flatMap((text, index) => {
    const endpoint = parseEndpoint(text)
    const at = [...path, 'address', index]
    if (endpoint === undefined) {
      report.error(
        'bad-endpoint',
        at,
        `address: expected an address with a port such as 10.9.0.100:80 or [fd00:9::100]:80, found ${JSON.stringify(text)}`,
      )
      return []
    }
    if (endpoint.port !== undefined && ports !== undefined) {
      report.error('port-and-ports', at, `${text} has a port, and there is ports`, {
        suggestion: 'write the port in one of the two places',
      })
      return []
    }
    const own = endpoint.port === undefined ? ports : [endpoint.port]
    if (own === undefined) {
      report.error('port-missing', at, `${text} has no port`, {
        suggestion: `write ${text.includes(':') ? `[${text}]` : text}:80, or :0 for all ports (with persistence)`,
      })
      return []
    }
    return endpoint.addresses.flatMap(address =>
      own.flatMap(port => (service.protocol ?? ['tcp']).map(protocol => ({ protocol, address, port }))),
    )
  })
}

function markFamily(service: ServiceFile): 4 | 6 {
  if (service.family === 4 || service.family === 6) return service.family
  const [first] = service.real_servers ?? []
  const text = typeof first === 'string' ? first : first?.address
  const address = text === undefined ? undefined : parseEndpoint(text)?.addresses[0]
  return address === undefined ? 4 : family(address)
}

function portRange(path: Path, given: number | string, report: Reporter): number[] {
  if (typeof given === 'number') return [given]
  const [, from, to] = /^([1-9]\d{0,4})-([1-9]\d{0,4})$/.exec(given) ?? []
  const [low, high] = [Number(from), Number(to)]
  if (!(low <= high && high <= 65_535 && high - low < 4096)) {
    report.error(
      'bad-port',
      path,
      `ports: expected a port or a range such as 8000-8010, found ${JSON.stringify(given)}`,
    )
    return []
  }
  return Array.from({ length: high - low + 1 }, (_, index) => low + index)
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
    ...defined({ tunnel: tunnel(path, forward, given.tunnel ?? service.tunnel, given.tunnel !== undefined, common) }),
  }
}

function forwardOf(path: Path, forward: Forward | undefined, { name, report, path: servicePath }: Common): Forward {
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

function tunnel(
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

function realServer(path: Path, given: RealServerFile, common: Common): RealServerConfig[] {
  const { report, name } = common
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
  return endpoint.addresses
    .map(address => {
      families(path, address, rest.forward, common)
      return { address, port, ...rest, checks: place(path, address, port, rest.forward, resolved, common) }
    })
    .filter(server => server.address !== name)
}

/** The port in the table: the service's own, unless NAT maps it. */
function portOf(path: Path, own: number | undefined, forward: Forward, { ids, service, report }: Common): number {
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
      [...path, ...(own === undefined ? [] : [])],
      `forward: ${forward} cannot map ports: the real server has ${given}, the virtual server ${where}`,
      {
        suggestion: 'use forward: nat, or the same port; a check of another port is written check: { port: ... }',
      },
    )
  }
  return given
}

function families(path: Path, address: string, forward: Forward, { ids, report }: Common): void {
  const [first] = ids
  if (first === undefined) return
  const own = 'mark' in first ? first.family : family(first.address)
  if (own !== family(address) && forward !== 'tun')
    report.error(
      'family-mismatch',
      path,
      `${address} is IPv${family(address)}, the virtual server is IPv${own}: only forward: tun can cross families`,
    )
}

const portless = new Set(['icmp', 'arp', 'exec', 'file', 'push'])

/** The checks of one real server: where they go is settled here. */
function place(
  path: Path,
  address: string,
  port: number,
  forward: Forward,
  resolved: readonly Resolved[],
  common: Common,
): readonly CheckConfig[] {
  const { ids, service, report } = common
  const [first] = ids
  const fallback = first !== undefined && 'port' in first ? first.port : 0
  const plain = resolved.every(
    ({ clientPath, config }) =>
      clientPath === undefined && (config.port !== undefined || port > 0 || portless.has(config.probe.kind)),
  )
  if (plain) return cached(resolved)
  return resolved.map(({ config, clientPath }) => {
    const asked = config.port ?? (port > 0 ? port : fallback)
    if (asked === 0 && first !== undefined && !portless.has(config.probe.kind)) {
      report.error('check-port', path, `the check ${config.name} has no port to go to`, {
        suggestion: 'say it in the check: { port: 80, ... }',
      })
      return config
    }
    const placed = portless.has(config.probe.kind) || port > 0 ? config : { ...config, port: asked }
    if (clientPath === undefined) return placed
    return clientCheck(path, address, forward, placed, clientPath, common, first, service)
  })
}

const lists = new WeakMap<readonly Resolved[], readonly CheckConfig[]>()

/** One list for all real servers that share it: 37,000 servers need not hold 37,000 lists. */
function cached(resolved: readonly Resolved[]): readonly CheckConfig[] {
  let list = lists.get(resolved)
  if (list === undefined) {
    list = resolved.map(({ config }) => config)
    lists.set(resolved, list)
  }
  return list
}

function clientCheck(
  path: Path,
  address: string,
  forward: Forward,
  config: CheckConfig,
  from: 'peers' | 'all',
  { marks, report, name }: Common,
  id: ServiceIdConfig | undefined,
  service: ServiceFile,
): CheckConfig {
  if (forward === 'nat' || service.mark !== undefined || id === undefined || 'mark' in id) {
    report.error('client-path-forward', path, `client_path needs a VIP and forward: dr or tun (${name})`)
    return config
  }
  if (config.probe.kind !== 'tcp' && config.probe.kind !== 'tls' && config.probe.kind !== 'http') return config
  const mark = pathMark(`${id.address} ${id.port} ${id.protocol} ${address}`, marks)
  const probe = {
    kind: 'client-path' as const,
    vip: id.address,
    vport: config.port ?? id.port,
    mark,
    inner: config.probe,
    from,
  }
  return { ...config, key: `${config.key}-${mark.toString(16)}`, probe }
}

function source(path: Path, given: RealServerFile, common: Common): ServerSource[] {
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

function sorryServer(path: Path, common: Common): (EndServer & { readonly inhibit: boolean }) | undefined {
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

function settings(
  path: Path,
  service: ServiceFile,
  ids: readonly ServiceIdConfig[],
  _servers: readonly RealServerConfig[],
  _report: Reporter,
): ServiceConfig['settings'] {
  const given = typeof service.persistence === 'number' ? { timeout: service.persistence } : service.persistence
  const [first] = ids
  const whole = first !== undefined && ('mark' in first ? first.family : family(first.address)) === 6 ? 128 : 32
  void path
  return {
    scheduler: service.scheduler ?? 'wlc',
    flags: service.scheduler_flags ?? [],
    onePacket: service.one_packet ?? false,
    ...(given === undefined
      ? {}
      : {
          persistence: {
            timeout: Math.round(given.timeout / 1000),
            granularity: ('netmask' in given ? given.netmask : undefined) ?? whole,
            ...defined({ engine: 'engine' in given ? given.engine : undefined }),
          },
        }),
  }
}
