import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { release } from 'node:os'
import { fileTrouble } from '../file-trouble.js'
import { readSysctl } from '../linux/sysctl.js'
import { parseKeys } from '../peer/key-file.js'
import { list, read, run } from './collect-files.js'
import { readInterfaces, readNeighbours, readRoutes, readWay } from './collect-network.js'
import type { Facts, Firewall, Interface } from './facts.js'
import { conf } from './facts.js'
import { readListeners } from './listeners.js'
import { readOwnSettings } from './own-settings.js'

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
  readonly peerKeyFile?: string | undefined
  readonly run?: string | undefined
}

/** Looks at this host: /proc, /sys, `ip -json`, nft or iptables where they are there. Changes nothing; never throws. */
export function collectFacts({ waysTo = [], peerKeyFile, run }: CollectOptions = {}): Facts {
  const interfaces = readInterfaces()
  const loadable = readLoadable()
  const size = /size=(\d+)/.exec(read('/proc/net/ip_vs') ?? '')?.[1]
  const quota = readQuota()
  const [count, max] = ['count', 'max'].map(name => readSysctl(`net.netfilter.nf_conntrack_${name}`))
  return {
    interfaces,
    routes: [...readRoutes(4), ...readRoutes(6)],
    sysctls: readSettings(interfaces),
    ...(run === undefined ? {} : { ownSettings: readOwnSettings(run) }),
    modules: readModules(),
    ...(loadable ? { loadable } : {}),
    ...(size === undefined ? {} : { ipvs: { tableSize: Number(size) } }),
    ...(peerKeyFile === undefined ? {} : { peerKey: readPeerKey(peerKeyFile) }),
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

function readPeerKey(file: string): NonNullable<Facts['peerKey']> {
  try {
    return { keys: parseKeys(readFileSync(file, 'utf8')).length, mode: statSync(file).mode & 0o777 }
  } catch (error) {
    return { failure: fileTrouble(error) }
  }
}

function normal(name: string): string {
  return name.replaceAll('-', '_')
}

/** Of this network namespace: what runs in a container with one of its own is no rival. Where that may not be asked, all. */
function readProcesses(): Set<string> {
  const ours = namespaceOf('thread-self')
  const pids = list('/proc').filter(name => /^\d+$/.test(name) && (namespaceOf(name) ?? ours) === ours)
  return new Set(pids.flatMap(pid => read(`/proc/${pid}/comm`)?.trim() ?? []))
}

function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
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
