import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { readSysctl } from '../linux/sysctl.js'
import type { Facts, Firewall, HostAddress, Interface, Neighbour, Route, Way } from './facts.js'
import { conf } from './facts.js'
import { readListeners } from './listeners.js'

const perInterface = [
  ...['arp_ignore', 'arp_announce', 'rp_filter', 'send_redirects', 'accept_local', 'forwarding', 'promote_secondaries'],
]
const global = [
  ...['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding', 'net.ipv4.ip_nonlocal_bind'],
  ...['1', '2', '3'].flatMap(n => [`net.ipv4.neigh.default.gc_thresh${n}`, `net.ipv6.neigh.default.gc_thresh${n}`]),
  ...[
    'expire_nodest_conn',
    'expire_quiescent_template',
    'conn_reuse_mode',
    'conntrack',
    'sloppy_tcp',
    'backup_only',
  ].map(name => `net.ipv4.vs.${name}`),
]

export type CollectOptions = {
  /** Addresses whose way out is asked of the kernel. */
  readonly waysTo?: readonly string[]
}

/** Looks at this host: /proc, /sys, `ip -json`, nft or iptables where they are there. Changes nothing; never throws. */
export function collectFacts({ waysTo = [] }: CollectOptions = {}): Facts {
  const interfaces = readInterfaces()
  const loadable = readLoadable()
  const size = /size=(\d+)/.exec(read('/proc/net/ip_vs') ?? '')?.[1]
  const quota = readQuota()
  const [count, max] = ['count', 'max'].map(name => readSysctl(`net.netfilter.nf_conntrack_${name}`))
  return {
    interfaces,
    routes: [...readRoutes(4), ...readRoutes(6)],
    sysctls: readSettings(interfaces),
    modules: readModules(),
    ...(loadable ? { loadable } : {}),
    ...(size === undefined ? {} : { ipvs: { tableSize: Number(size) } }),
    processes: readProcesses(),
    listeners: readListeners(path => read(path) ?? ''),
    neighbours: readNeighbours(),
    ways: Object.fromEntries(waysTo.map(address => [address, readWay(address)])),
    firewall: readFirewall(),
    bridges: readBridges(interfaces),
    ...(count === undefined || max === undefined ? {} : { conntrack: { count: Number(count), max: Number(max) } }),
    root: process.getuid?.() === 0,
    release: release(),
    ...(quota === undefined ? {} : { cpuQuota: quota }),
  }
}

type IpLink = {
  readonly ifindex: number
  readonly ifname: string
  readonly flags?: readonly string[]
  readonly mtu?: number
  readonly master?: string
  readonly operstate?: string
  readonly linkinfo?: { readonly info_kind?: string }
  readonly addr_info?: readonly {
    readonly local?: string
    readonly prefixlen?: number
    readonly valid_life_time?: number
    readonly secondary?: boolean
  }[]
}

// iproute2 prints an address without end as the largest 32-bit number.
const forever = 4_294_967_295

function readInterfaces(): Interface[] {
  return ipJson<IpLink>(['-details', 'address', 'show']).map(link => ({
    name: link.ifname,
    up: link.flags?.includes('UP') ?? false,
    running: (link.flags?.includes('LOWER_UP') ?? false) || link.operstate === 'UNKNOWN',
    loopback: link.flags?.includes('LOOPBACK') ?? false,
    noArp: link.flags?.includes('NOARP') ?? false,
    mtu: link.mtu ?? 0,
    kind: link.linkinfo?.info_kind ?? '',
    ...(link.master === undefined ? {} : { master: link.master }),
    networkd: /^ADMIN_STATE=(configured|configuring)$/m.test(read(`/run/systemd/netif/links/${link.ifindex}`) ?? ''),
    addresses: (link.addr_info ?? []).flatMap((info): HostAddress[] =>
      info.local === undefined
        ? []
        : [
            {
              address: info.local,
              prefix: info.prefixlen ?? 0,
              permanent: info.valid_life_time === forever,
              secondary: info.secondary === true,
            },
          ],
    ),
  }))
}

type IpRoute = {
  readonly dst?: string
  readonly gateway?: string
  readonly via?: { readonly host?: string }
  readonly dev?: string
  readonly table?: string
  readonly scope?: string
  readonly protocol?: string
  readonly prefsrc?: string
  readonly nexthops?: readonly { readonly gateway?: string; readonly dev?: string }[]
}

function readRoutes(family: 4 | 6): Route[] {
  return ipJson<IpRoute>([`-${family}`, 'route', 'show', 'table', 'all']).flatMap(route => {
    const hops = route.nexthops ?? [{ gateway: route.gateway ?? route.via?.host, dev: route.dev }]
    return hops.map(
      (hop): Route => ({
        family,
        destination: route.dst ?? 'default',
        ...(hop.gateway === undefined ? {} : { via: hop.gateway }),
        ...(hop.dev === undefined ? {} : { interface: hop.dev }),
        table: route.table ?? 'main',
        ...(route.scope === undefined ? {} : { scope: route.scope }),
        ...(route.protocol === undefined ? {} : { protocol: route.protocol }),
        ...(route.prefsrc === undefined ? {} : { source: route.prefsrc }),
      }),
    )
  })
}

function readWay(address: string): Way {
  const [route] = ipJson<IpRoute>(['route', 'get', address])
  if (!route) return { error: 'no route' }
  const via = route.gateway ?? route.via?.host
  return {
    ...(route.dev === undefined ? {} : { interface: route.dev }),
    ...(via === undefined ? {} : { via }),
  }
}

function readNeighbours(): Neighbour[] {
  type IpNeighbour = { readonly dst: string; readonly dev?: string; readonly state?: readonly string[] }
  return ipJson<IpNeighbour>(['neighbour', 'show']).map(({ dst, dev = '', state = [] }) => ({
    address: dst,
    interface: dev,
    state: state[0] ?? '',
  }))
}

function readSettings(interfaces: readonly Interface[]): Record<string, string> {
  const names = [...global]
  for (const name of ['all', 'default', ...interfaces.map(one => one.name)])
    names.push(...perInterface.map(setting => conf(name, setting)))
  const found: Record<string, string> = {}
  for (const name of names) {
    const value = setting(name)
    if (value !== undefined) found[name] = value
  }
  return found
}

function setting(name: string): string | undefined {
  try {
    return readSysctl(name)
  } catch {
    return undefined
  }
}

function readModules(): Set<string> {
  const loaded = (read('/proc/modules') ?? '').split('\n').flatMap(line => line.split(' ')[0] || [])
  return new Set([...loaded, ...moduleNames('modules.builtin')].map(normal))
}

function readLoadable(): Set<string> | undefined {
  const names = moduleNames('modules.dep')
  return names.length > 0 ? new Set(names.map(normal)) : undefined
}

function moduleNames(file: string): string[] {
  const text = read(`/lib/modules/${release()}/${file}`) ?? ''
  return text.split('\n').flatMap(line => /([^/]+?)\.ko[^/:]*(:|$)/.exec(line)?.[1] ?? [])
}

function normal(name: string): string {
  return name.replaceAll('-', '_')
}

function readProcesses(): Set<string> {
  const pids = list('/proc').filter(name => /^\d+$/.test(name))
  return new Set(pids.flatMap(pid => read(`/proc/${pid}/comm`)?.trim() ?? []))
}

function readFirewall(): Firewall {
  const nft = run('nft', ['list', 'ruleset'])
  if (nft !== undefined && nft.trim() !== '') return { tool: 'nft', rules: nft }
  const iptables = run('iptables-save', [])
  if (iptables !== undefined && /^-A|^:\w+ DROP/m.test(iptables)) return { tool: 'iptables', rules: iptables }
  return { tool: nft === undefined && iptables === undefined ? 'unknown' : 'none' }
}

function readBridges(interfaces: readonly Interface[]): Facts['bridges'] {
  const names = new Set(interfaces.flatMap(one => (one.kind === 'bridge' ? one.name : (one.master ?? []))))
  return [...names]
    .filter(name => existsSync(`/sys/class/net/${name}/bridge`))
    .map(name => ({
      name,
      snooping: read(`/sys/class/net/${name}/bridge/multicast_snooping`)?.trim() === '1',
      querier: read(`/sys/class/net/${name}/bridge/multicast_querier`)?.trim() === '1',
    }))
}

function readQuota(): number | undefined {
  const group = /^0::(.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/'
  const [quota, period] = (read(`/sys/fs/cgroup${group}/cpu.max`) ?? 'max').trim().split(' ').map(Number)
  return quota !== undefined && period !== undefined && quota > 0 ? quota / period : undefined
}

function ipJson<T>(args: readonly string[]): T[] {
  const text = run('ip', ['-json', ...args])
  if (text === undefined || text.trim() === '') return []
  try {
    // iproute2 prints an empty object for some entries it has nothing to say about.
    return (JSON.parse(text) as T[]).filter(entry => typeof entry === 'object' && Object.keys(entry ?? {}).length > 0)
  } catch {
    return []
  }
}

/** Output of a program; undefined: it is not here, or refused. */
function run(program: string, args: readonly string[]): string | undefined {
  try {
    const options = { encoding: 'utf8' as const, timeout: 10_000, maxBuffer: 2 ** 28 }
    return execFileSync(program, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
    })
  } catch {
    return undefined
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
