import type { DirectorConfig, RouterConfig, VipConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { File } from '../schema/file.js'
import type { RouterFile } from '../schema/router.js'
import { family } from '../schema/values.js'
import { suggest } from '../suggest.js'
import { authentication } from './authentication.js'
import { defined } from './defined.js'
import type { Secrets } from './secrets.js'
import { track } from './track.js'
import { witnessSource } from './witness.js'

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
  const { vips = [], excluded_vips: excluded = [] } = router
  const first = vips[0]?.address.address ?? excluded[0]?.address.address ?? node.addresses[0]
  const kind = first === undefined ? 4 : family(first)
  const version = router.version ?? 3
  const virtualMac = macvlan(path, router, kind, rename, report)
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
      witness: router.witness && witnessSource(router.witness),
      virtualMac,
    }),
  }
}

type Cidr = { readonly address: string; readonly prefix: number }

function text(network: Cidr | undefined): string | undefined {
  return network === undefined ? undefined : `${network.address}/${network.prefix}`
}

function macvlan(path: Path, router: RouterFile, kind: 4 | 6, rename: (word: string) => string, report: Reporter) {
  const { virtual_mac: given } = router
  if (given === undefined || given === false) return undefined
  // What the others send to this director's address reaches the interface below, never the macvlan.
  const always = router.transport === 'unicast'
  const { interface: name, transmit_on_parent: parent = always } = given === true ? {} : given
  if (always && !parent)
    report.error(
      'unicast-parent',
      [...path, 'virtual_mac', 'transmit_on_parent'],
      'with transport: unicast adverts always leave from the interface below the macvlan',
    )
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
    ...defined({ interval: given.interval }),
  }
}
