import type { OwnSetting } from './own-settings.js'

/** What is so on this host, in this network namespace, at one moment. Plain data: the checks on it are pure. */
export type Facts = {
  readonly interfaces: readonly Interface[]
  /** Every route of every table. */
  readonly routes: readonly Route[]
  /** Settings by their sysctl name (a dot inside an interface's name is a slash). Missing: no such setting here. */
  readonly sysctls: Readonly<Record<string, string>>
  /** Those that lvskeeper has changed, where its journal is known. */
  readonly ownSettings?: readonly OwnSetting[]
  /** Modules that are loaded or built in. */
  readonly modules: ReadonlySet<string>
  /** Modules that could be loaded; undefined: the list of this kernel cannot be read. */
  readonly loadable?: ReadonlySet<string>
  /** Size of the connection table, where IPVS is there. */
  readonly ipvs?: { readonly tableSize: number }
  /** The peers' key, where the file names one: its keys and permissions, or why it cannot be read. */
  readonly peerKey?: { readonly keys: number; readonly mode: number } | { readonly failure: string }
  /** Program names of running processes (/proc/PID/comm, 15 characters). */
  readonly processes: ReadonlySet<string>
  readonly listeners: readonly Listener[]
  readonly neighbours: readonly Neighbour[]
  /** How the kernel would send to an address: of those that were asked for. */
  readonly ways: Readonly<Record<string, Way>>
  readonly firewall: Firewall
  /** Bridges that interfaces are ports of. */
  readonly bridges: readonly { readonly name: string; readonly snooping: boolean; readonly querier: boolean }[]
  readonly conntrack?: { readonly count: number; readonly max: number }
  readonly root: boolean
  readonly release: string
  /** CPU quota of the control group as a share of one processor; undefined: none. */
  readonly cpuQuota?: number
}

export type Interface = {
  readonly name: string
  readonly up: boolean
  readonly running: boolean
  readonly loopback: boolean
  /** IFF_NOARP: never answers ARP. */
  readonly noArp: boolean
  readonly mtu: number
  /** `dummy`, `bridge`, `ipip` ...; empty: hardware. */
  readonly kind: string
  /** Bridge or bond that it belongs to. */
  readonly master?: string
  /** systemd-networkd configures it. */
  readonly networkd: boolean
  readonly addresses: readonly HostAddress[]
}

export type HostAddress = {
  readonly address: string
  readonly prefix: number
  /** Without end: nobody has to renew it. */
  readonly permanent: boolean
  readonly secondary: boolean
}

export type Route = {
  readonly family: 4 | 6
  /** `default`, an address or a network. */
  readonly destination: string
  readonly via?: string
  readonly interface?: string
  readonly table: string
  readonly scope?: string
  readonly protocol?: string
  readonly source?: string
}

export type Way = { readonly interface?: string; readonly via?: string; readonly error?: string }
export type Listener = { readonly protocol: 'tcp' | 'udp'; readonly address: string; readonly port: number }
export type Neighbour = { readonly address: string; readonly interface: string; readonly state: string }

/** `unknown`: rules exist or not, but neither nft nor iptables is here to list them. */
export type Firewall =
  | { readonly tool: 'none' | 'unknown' }
  | { readonly tool: 'nft' | 'iptables'; readonly rules: string }

/** The name of one interface's setting: `net.ipv4.conf.eth0/100.rp_filter`. */
export function conf(name: string, setting: string, family: 'ipv4' | 'ipv6' = 'ipv4'): string {
  return `net.${family}.conf.${name.replaceAll('.', '/')}.${setting}`
}

/**
 * What holds for an interface: the larger of `all` and its own (Documentation/networking/ip-sysctl.rst: rp_filter,
 * arp_ignore, arp_announce).
 */
export function effective(facts: Pick<Facts, 'sysctls'>, name: string, setting: string): number {
  return Math.max(number(facts, conf('all', setting)) ?? 0, number(facts, conf(name, setting)) ?? 0)
}

export function number(facts: Pick<Facts, 'sysctls'>, name: string): number | undefined {
  const text = facts.sysctls[name]
  return text === undefined ? undefined : Number(text)
}

/** The interface that carries an address, and the address as it is there. */
export function carriers(facts: Pick<Facts, 'interfaces'>, address: string): { on: Interface; as: HostAddress }[] {
  return facts.interfaces.flatMap(on => on.addresses.filter(own => own.address === address).map(as => ({ on, as })))
}
