import type { DirectorConfig, RouterConfig, TrackedConfig, VipConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { File } from '../schema/file.js'
import type { RouterFile, TrackFile } from '../schema/router.js'
import { family, formatDuration } from '../schema/values.js'
import { suggest } from '../suggest.js'
import { authentication } from './authentication.js'
import { defined } from './defined.js'
import type { Secrets } from './secrets.js'

/** The names that a router may refer to; broken entries included, so that one mistake is reported once. */
export type Names = Readonly<
  Record<'directors' | 'scripts' | 'files' | 'processes' | 'virtual_servers', readonly string[]>
>

export type Around = {
  readonly directors: readonly DirectorConfig[]
  readonly node: DirectorConfig
  readonly names: Names
  readonly secrets: Secrets
  readonly report: Reporter
}

/** Every virtual router as the director `around.node` sees it. */
export function routers(file: File, around: Around): RouterConfig[] {
  return Object.entries(file.virtual_routers ?? {}).map(([name, router]) =>
    resolveRouter(['virtual_routers', name], name, router, around),
  )
}

function resolveRouter(path: Path, name: string, router: RouterFile, around: Around): RouterConfig {
  const { directors, node, report, names } = around
  const rename = (word: string) => node.interfaces[word] ?? word
  const vips = (router.vips ?? []).map(vip =>
    'interface' in vip || typeof vip.address === 'object'
      ? (vip as { address: Cidr; interface?: string | undefined })
      : { address: vip as Cidr },
  )
  const excluded = (router.excluded_vips ?? []).map(vip =>
    'interface' in vip || typeof vip.address === 'object'
      ? (vip as { address: Cidr; interface?: string | undefined })
      : { address: vip as Cidr },
  )
  const first = vips[0]?.address.address ?? excluded[0]?.address.address ?? node.addresses[0]
  const kind = first === undefined ? 4 : family(first)
  const version = router.version ?? 3
  const virtualMac = macvlan(router, kind, rename)
  const carrier = virtualMac?.interface ?? rename(router.interface)
  const advertInterval = router.advert_interval ?? 1000
  for (const director of Object.keys(router.priorities ?? {})) {
    if (names.directors.includes(director)) continue
    const near = suggest(director, names.directors)
    const suggestion = near === undefined ? `directors: ${names.directors.join(', ')}` : `did you mean "${near}"?`
    report.error('unknown-director', [...path, 'priorities', director], `there is no director "${director}"`, {
      suggestion,
      at: 'key',
    })
  }
  const priorityOf = (director: DirectorConfig) => router.priorities?.[director.name] ?? director.priority
  const place = ({ address, interface: own }: { address: Cidr; interface?: string | undefined }): VipConfig => ({
    ...address,
    interface: own === undefined ? carrier : rename(own),
  })
  return {
    name,
    vrid: router.vrid,
    interface: rename(router.interface),
    family: kind,
    version: version as 2 | 3,
    advertInterval,
    priority: priorityOf(node),
    preempt:
      router.preempt === undefined || router.preempt === true
        ? { mode: 'always' }
        : router.preempt === false
          ? { mode: 'never' }
          : { mode: 'delayed', delay: router.preempt.delay },
    transport: router.transport ?? 'multicast',
    peers: peers(path, router, kind, around),
    vips: vips.map(place),
    excludedVips: excluded.map(place),
    profile: router.profile ?? 'keepalived',
    garp: garp(router),
    track: track([...path, 'track'], router.track, rename, around),
    director: node.name,
    directors: directors.map(director => ({
      name: director.name,
      addresses: director.addresses,
      priority: priorityOf(director),
    })),
    routes: (router.routes ?? []).map(({ destination, interface: out, ...route }) => ({
      destination:
        destination === 'default'
          ? kind === 4
            ? '0.0.0.0/0'
            : '::/0'
          : `${destination.address}/${destination.prefix}`,
      ...defined({ ...route, interface: out === undefined ? undefined : rename(out) }),
    })),
    rules: (router.rules ?? []).map(rule => ({
      family: (rule.family ??
        ((rule.from ?? rule.to === undefined) ? kind : family((rule.from ?? rule.to)?.address ?? ''))) as 4 | 6,
      table: rule.table,
      ...defined({
        from: text(rule.from),
        to: text(rule.to),
        mark: rule.mark,
        interface: rule.interface === undefined ? undefined : rename(rule.interface),
        preference: rule.preference,
      }),
    })),
    restartInterval: router.restart_interval ?? Math.max(1000, advertInterval),
    ...defined({
      authentication: authentication(
        [...path, 'authentication'],
        router,
        version,
        advertInterval,
        around.secrets,
        report,
      ),
      syncGroup: router.sync_group,
      virtualMac,
    }),
  }
}

type Cidr = { readonly address: string; readonly prefix: number }

function text(network: Cidr | undefined): string | undefined {
  return network === undefined ? undefined : `${network.address}/${network.prefix}`
}

function macvlan(router: RouterFile, kind: 4 | 6, rename: (word: string) => string) {
  const { virtual_mac: given } = router
  if (given === undefined || given === false) return undefined
  const { interface: name, transmit_on_parent: parent = false } = given === true ? {} : given
  return {
    interface: name === undefined ? `vrrp${kind === 6 ? '6' : ''}.${router.vrid}` : rename(name),
    transmitOnParent: parent,
  }
}

function peers(path: Path, router: RouterFile, kind: 4 | 6, { directors, node, report }: Around) {
  if (router.transport !== 'unicast') {
    for (const key of ['peers', 'min_ttl'] as const)
      if (router[key] !== undefined)
        report.error('unicast-only', [...path, key], `${key} is for transport: unicast`, { at: 'key' })
  }
  if (router.peers !== undefined)
    return router.peers
      .map(peer => (typeof peer === 'string' ? { address: peer, min_ttl: router.min_ttl } : peer))
      .filter(({ address }) => !node.addresses.includes(address))
      .map(({ address, min_ttl }) => ({ address, ...defined({ minTtl: min_ttl ?? router.min_ttl }) }))
  const others = directors.filter(({ name }) => name !== node.name)
  return others.flatMap(director => {
    const address = director.addresses.find(own => family(own) === kind)
    if (address === undefined && router.transport === 'unicast')
      report.error(
        'peer-without-address',
        ['directors', director.name, 'address'],
        `director ${director.name} has no IPv${kind} address for the unicast router ${path.at(-1)}`,
      )
    return address === undefined ? [] : [{ address, ...defined({ minTtl: router.min_ttl }) }]
  })
}

function garp({ garp: given = {} }: RouterFile): RouterConfig['garp'] {
  const repeat = given.repeat ?? 5
  const delay = given.delay ?? 5000
  return {
    repeat,
    delay,
    refresh: given.refresh ?? 60_000,
    refreshRepeat: given.refresh_repeat ?? 1,
    lowerPriorityRepeat: given.lower_priority_repeat ?? repeat,
    lowerPriorityDelay: given.lower_priority_delay ?? delay,
  }
}

function track(
  path: Path,
  given: TrackFile | undefined,
  rename: (word: string) => string,
  { names, report }: Around,
): RouterConfig['track'] {
  function list(key: Kind, source: (name: string) => string): TrackedConfig[] {
    const value = given?.[key]
    if (value === undefined) return []
    const entries = Array.isArray(value)
      ? value.map((name, index) => [name, {}, index] as const)
      : Object.entries(value).map(([name, more]) => [name, more, name] as const)
    return entries.map(([name, more, step]) => {
      if (key !== 'interfaces' && !names[key].includes(name)) unknown([...path, key, step], key, name)
      return { source: source(name), ...tracked(more) }
    })
  }
  function unknown(at: Path, key: Exclude<Kind, 'interfaces'>, name: string): void {
    const near = suggest(name, names[key])
    const known = names[key].length > 0 ? `${key}: ${names[key].slice(0, 10).join(', ')}` : `define it under ${key}`
    const suggestion = near === undefined ? known : `did you mean "${near}"?`
    report.error('unknown-tracked', at, `there is no ${singular[key]} "${name}"`, { suggestion })
  }
  return {
    ownInterface: given?.own_interface ?? true,
    interfaces: list('interfaces', name => `interface ${rename(name)}`),
    scripts: list('scripts', name => `script ${name}`),
    files: list('files', name => `file ${name}`),
    processes: list('processes', name => `process ${name}`),
    virtualServers: list('virtual_servers', name => `virtual_server ${name}`),
    ...(given?.gateway === undefined
      ? {}
      : { gateway: { source: `gateway ${given.gateway.address}`, ...tracked(given.gateway) } }),
  }
}

type Kind = 'interfaces' | 'scripts' | 'files' | 'processes' | 'virtual_servers'
const singular = { scripts: 'script', files: 'file', processes: 'process', virtual_servers: 'virtual server' } as const

function tracked(given: {
  weight?: number | undefined
  reverse?: boolean | undefined
  on_unknown?: 'keep' | 'fail' | undefined
}) {
  return {
    weight: given.weight ?? 0,
    reverse: given.reverse ?? false,
    onUnknown: given.on_unknown ?? ('keep' as const),
  }
}

/** What cannot work, for one director; messages that hold for all of them are the same and reported once. */
export function routerRules(file: File, resolved: readonly RouterConfig[], { directors, node, report }: Around): void {
  for (const router of resolved) {
    const path: Path = ['virtual_routers', router.name]
    const given = file.virtual_routers?.[router.name]
    if (given === undefined) continue
    if (given.accept === false)
      report.error(
        'accept-false',
        [...path, 'accept'],
        'accept: false would drop the packets that the virtual servers are for',
        {
          suggestion: 'remove it: the VIPs of a load balancer always accept',
        },
      )
    version(path, router, given, report)
    addresses(path, router, given, directors, report)
    priorities(path, router, given, report)
    if (
      router.transport === 'unicast' &&
      router.peers.length === 0 &&
      (given.peers !== undefined || directors.length === 1)
    )
      report.error(
        'no-peers',
        [...path, 'transport'],
        `${router.name} is unicast, but ${node.name} has nobody to send to`,
        { suggestion: 'add a director, or peers' },
      )
    if (router.advertInterval > router.restartInterval)
      report.error(
        'restart-interval',
        [...path, 'restart_interval'],
        `restart_interval is shorter than advert_interval (${formatDuration(router.advertInterval)})`,
      )
  }
  collisions(file, resolved, node, report)
}

function version(path: Path, router: RouterConfig, given: RouterFile, report: Reporter): void {
  const at = [...path, given.advert_interval === undefined ? 'version' : 'advert_interval']
  const every = formatDuration(router.advertInterval)
  if (router.version === 2 && router.family === 6)
    report.error('version-family', [...path, 'version'], 'version 2 knows IPv4 only', { suggestion: 'version: 3' })
  if (router.version === 2 && router.advertInterval % 1000 !== 0)
    report.error(
      'version-interval',
      at,
      `advert_interval: ${every} needs version 3: version 2 knows whole seconds only`,
    )
  if (router.version === 3 && router.advertInterval > 40_950)
    report.error('version-interval', at, `advert_interval: ${every} is too long for version 3: at most 40950ms`)
  if (router.version === 3 && router.advertInterval % 10 !== 0)
    report.error('version-interval', at, `advert_interval: ${every} cannot be advertised: version 3 counts in 10ms`)
}

function addresses(
  path: Path,
  router: RouterConfig,
  given: RouterFile,
  directors: readonly DirectorConfig[],
  report: Reporter,
): void {
  if (router.vips.length === 0)
    report.warn(
      'no-vips',
      path,
      `the virtual router ${router.name} has no vips: nothing moves${router.excludedVips.length > 0 ? ' that is advertised' : ''}`,
      { at: 'key' },
    )
  if (router.vips.length > 255)
    report.error('too-many-vips', [...path, 'vips'], `an advert holds 255 addresses, not ${router.vips.length}`, {
      suggestion: 'put the others into excluded_vips',
      at: 'key',
    })
  for (const [index, vip] of router.vips.entries()) {
    const at = [...path, 'vips', index]
    if (family(vip.address) !== router.family)
      report.error(
        'vip-family',
        at,
        `${vip.address} is IPv${family(vip.address)}, the first VIP of ${router.name} is IPv${router.family}`,
        {
          suggestion: 'put it into excluded_vips, or into a virtual router of its own',
        },
      )
    const owners = directors.filter(director => director.addresses.includes(vip.address)).map(({ name }) => name)
    const owner = router.directors.find(({ priority }) => priority === 255)?.name
    for (const name of owners)
      if (name !== owner)
        report.error('vip-is-director', at, `${vip.address} is the own address of director ${name}`, {
          suggestion: 'a VIP is an address that no machine has of its own; an owner has priority 255',
        })
  }
  const loopback = given.interface === 'lo'
  if (loopback) report.error('interface-lo', [...path, 'interface'], 'adverts cannot be sent on lo')
  for (const [index, rule] of router.rules.entries())
    if (
      given.rules?.[index]?.family !== undefined &&
      given.rules[index]?.family !== 4 &&
      given.rules[index]?.family !== 6
    )
      report.error('out-of-range', [...path, 'rules', index, 'family'], `family: expected 4 or 6, found ${rule.family}`)
}

function priorities(path: Path, router: RouterConfig, given: RouterFile, report: Reporter): void {
  const owners = router.directors.filter(({ priority }) => priority === 255)
  if (owners.length > 1)
    report.error(
      'two-owners',
      path,
      `${owners.map(({ name }) => name).join(' and ')} both have priority 255 in ${router.name}`,
      {
        suggestion: 'at most one director can own the addresses',
        at: 'key',
      },
    )
  const byPriority = new Map<number, string[]>()
  for (const { name, priority } of router.directors)
    byPriority.set(priority, [...(byPriority.get(priority) ?? []), name])
  for (const [priority, names] of byPriority)
    if (names.length > 1 && priority !== 255)
      report.warn(
        'equal-priority',
        [...path, ...(given.priorities === undefined ? [] : ['priorities'])],
        `${names.join(' and ')} have the same priority ${priority} in ${router.name}: the higher address decides`,
        { at: 'key' },
      )
  const weighted = [
    router.track.interfaces,
    router.track.scripts,
    router.track.files,
    router.track.processes,
    router.track.virtualServers,
  ]
    .flat()
    .concat(router.track.gateway ?? [])
    .some(({ weight }) => weight !== 0)
  if (owners.length > 0 && weighted)
    report.error(
      'owner-weights',
      [...path, 'track'],
      `${owners[0]?.name} owns the addresses of ${router.name} (priority 255): weights cannot move its priority`,
      { at: 'key' },
    )
}

/** The director that holds a router when all is well. */
function best(router: RouterConfig | undefined): string {
  const [first] = [...(router?.directors ?? [])].sort((a, b) => b.priority - a.priority)
  return first?.name ?? ''
}

function collisions(file: File, resolved: readonly RouterConfig[], _node: DirectorConfig, report: Reporter): void {
  const vrids = new Map<string, string>()
  const vips = new Map<string, string>()
  const macvlans = new Map<string, string>()
  const groups = new Map<string, string[]>()
  for (const router of resolved) {
    const path: Path = ['virtual_routers', router.name]
    const id = `${router.interface} ${router.family} ${router.transport} ${router.vrid}`
    const other = vrids.get(id)
    if (other !== undefined)
      report.error(
        'vrid-collision',
        [...path, 'vrid'],
        `vrid ${router.vrid} is taken on ${file.virtual_routers?.[router.name]?.interface} by ${other}`,
      )
    else vrids.set(id, router.name)
    for (const key of ['vips', 'excludedVips'] as const)
      for (const [index, vip] of router[key].entries()) {
        const earlier = vips.get(vip.address)
        if (earlier !== undefined)
          report.error(
            'duplicate-vip',
            [...path, key === 'vips' ? 'vips' : 'excluded_vips', index],
            earlier === router.name
              ? `${vip.address} stands twice in ${router.name}`
              : `${vip.address} belongs to ${earlier} already`,
          )
        else vips.set(vip.address, router.name)
      }
    if (router.virtualMac !== undefined) {
      const earlier = macvlans.get(router.virtualMac.interface)
      if (earlier !== undefined)
        report.error(
          'virtual-mac-name',
          [...path, 'virtual_mac'],
          `the macvlan ${router.virtualMac.interface} belongs to ${earlier} already`,
          { suggestion: 'name it: virtual_mac: { interface: ... }', at: 'key' },
        )
      else macvlans.set(router.virtualMac.interface, router.name)
    }
    if (router.syncGroup !== undefined)
      groups.set(router.syncGroup, [...(groups.get(router.syncGroup) ?? []), router.name])
  }
  for (const [group, members] of groups) {
    const preferred = members.map(name => `${name} ${best(resolved.find(router => router.name === name))}`)
    if (new Set(preferred.map(text => text.split(' ')[1])).size > 1)
      report.error(
        'sync-group-order',
        ['virtual_routers', members[0] ?? '', 'sync_group'],
        `the routers of the sync group ${group} prefer different directors: ${preferred.join(', ')}`,
        { suggestion: 'give them the same order of priorities: they change state together' },
      )
    if (members.length === 1)
      report.warn(
        'lonely-sync-group',
        ['virtual_routers', members[0] ?? '', 'sync_group'],
        `${members[0]} is alone in the sync group ${group}`,
      )
  }
}
