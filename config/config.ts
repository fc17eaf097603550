/**
 * The configuration as one director sees it: frozen, every default filled in, durations in milliseconds, names resolved,
 * nothing left to check. The parts have the shapes that `vrrp`, `checkers` and `src` declare for themselves.
 */

import type { AlertConfig } from './alert-config.js'
import type { CheckConfig } from './check-config.js'

export type Millis = number

export type Config = {
  /** SHA-256 (hex) of what the files say, per-director differences included: equal on directors with the same file. */
  readonly hash: string
  /** SHA-256 (hex) of the files of passwords and keys that are the same on every director; absent: none. Never leaves this director as it is. */
  readonly secretsHash?: string
  /** Every file that was read, the main one first. */
  readonly files: readonly string[]
  /** This director. */
  readonly node: DirectorConfig
  /** Read without being on a director (`check FILE`): `node` is the first of the file. */
  readonly static: boolean
  readonly directors: readonly DirectorConfig[]
  readonly peerKeyFile?: string
  readonly peerPort: number
  readonly routers: readonly RouterConfig[]
  readonly services: readonly ServiceConfig[]
  readonly tracking: TrackingConfig
  readonly alerts: readonly AlertConfig[]
  readonly onStop: 'keep' | 'clear'
  readonly drift: 'repair' | 'report'
  /** Kernel connection timeouts in seconds (as the kernel wants them); 0: leave as it is. */
  readonly timeouts?: { readonly tcp: number; readonly tcpFin: number; readonly udp: number }
  readonly sync?: SyncConfig
  /** Besides those that features set by themselves. */
  readonly sysctls: Readonly<Record<string, number>>
  readonly massFailureGuard: { readonly hold: Millis; readonly weight: number }
  readonly checkLimits: { readonly inFlight: number; readonly programs: number; readonly watchShare: number }
  readonly overrideLimit: Millis
  readonly api: ApiConfig
  readonly metrics?: {
    readonly address?: string
    readonly port: number
    readonly page: boolean
    readonly tokenFile?: string
  }
  /** Two-box pair: this director is also a real server of its own services. */
  readonly twoBox: boolean
  readonly stateFolder?: string
  readonly eventsMaxSize: number
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error'
}

export type DirectorConfig = {
  readonly name: string
  readonly addresses: readonly string[]
  readonly priority: number
  /** Name in the file -> name on that director. */
  readonly interfaces: Readonly<Record<string, string>>
}

export type VipConfig = { readonly address: string; readonly prefix: number; readonly interface: string }

/** Assignable to `VirtualRouter` of vrrp/virtual-router.ts, where each field is described. */
export type RouterConfig = {
  readonly name: string
  readonly vrid: number
  readonly interface: string
  readonly family: 4 | 6
  readonly version: 2 | 3
  readonly advertInterval: Millis
  readonly priority: number
  readonly preempt:
    | { readonly mode: 'always' }
    | { readonly mode: 'never' }
    | { readonly mode: 'delayed'; readonly delay: Millis }
  readonly transport: 'multicast' | 'unicast'
  readonly peers: readonly { readonly address: string; readonly minTtl?: number }[]
  readonly vips: readonly VipConfig[]
  readonly excludedVips: readonly VipConfig[]
  readonly profile: 'keepalived' | 'rfc9568'
  readonly authentication?: AuthenticationConfig
  readonly garp: {
    readonly repeat: number
    readonly delay: Millis
    readonly refresh: Millis
    readonly refreshRepeat: number
    readonly lowerPriorityRepeat: number
    readonly lowerPriorityDelay: Millis
    readonly interval?: Millis
  }
  readonly track: {
    readonly ownInterface: boolean
    readonly interfaces: readonly TrackedConfig[]
    readonly scripts: readonly TrackedConfig[]
    readonly files: readonly TrackedConfig[]
    readonly processes: readonly TrackedConfig[]
    readonly virtualServers: readonly TrackedConfig[]
    readonly gateway?: TrackedConfig
  }
  /** Source of the contributions that say whether the witness answers. */
  readonly witness?: string
  readonly director: string
  readonly directors: readonly {
    readonly name: string
    readonly addresses: readonly string[]
    readonly priority: number
  }[]
  readonly syncGroup?: string
  readonly virtualMac?: { readonly interface: string; readonly transmitOnParent: boolean }
  readonly routes: readonly {
    readonly destination: string
    readonly via?: string
    readonly interface?: string
    readonly source?: string
    readonly table?: number
    readonly metric?: number
  }[]
  readonly rules: readonly {
    readonly family: 4 | 6
    readonly from?: string
    readonly to?: string
    readonly mark?: number
    readonly interface?: string
    readonly table: number
    readonly preference?: number
  }[]
  readonly restartInterval: Millis
}

export type AuthenticationConfig =
  | { readonly type: 'pass'; readonly password: string }
  | {
      readonly type: 'hmac'
      readonly keys: readonly { readonly id: number; readonly key: Uint8Array }[]
      readonly activeKey: number
      readonly window: Millis
      readonly mode: 'enforce' | 'permissive' | 'receive-only'
    }

export type TrackedConfig = {
  readonly source: string
  readonly weight: number
  readonly reverse: boolean
  readonly onUnknown: 'keep' | 'fail'
  /** Interfaces only: how long it must be down to count as down. */
  readonly debounce?: Millis
}

/** What runs to feed the routers' tracking; `source` is what a contribution calls it. */
export type TrackingConfig = {
  /** `script NAME`; an exec check. */
  readonly scripts: readonly { readonly source: string; readonly check: CheckConfig }[]
  /** `file NAME`: the number in the file is the state. */
  readonly files: readonly { readonly source: string; readonly path: string; readonly interval: Millis }[]
  /** `process NAME`. */
  readonly processes: readonly {
    readonly source: string
    readonly command: string
    readonly arguments: readonly string[]
    readonly minimum: number
    readonly maximum: number
    readonly delay: Millis
  }[]
  /** `gateway ADDRESS`; an arp or icmp check. */
  /** Gateways and witnesses. */
  readonly gateways: readonly {
    readonly source: string
    readonly address: string
    readonly port?: number
    readonly check: CheckConfig
  }[]
  /** `virtual_server NAME`, all that routers track. */
  readonly virtualServers: readonly string[]
}

export type Protocol = 'tcp' | 'udp' | 'sctp'
export type ServiceIdConfig =
  | { readonly protocol: Protocol; readonly address: string; readonly port: number }
  | { readonly mark: number; readonly family: 4 | 6 }

export type TunnelConfig =
  | { readonly type: 'ipip' }
  | { readonly type: 'gue'; readonly port: number; readonly checksum: 'none' | 'csum' | 'remcsum' }
  | { readonly type: 'gre'; readonly checksum: 'none' | 'csum' }

export type Scheduler =
  | 'rr'
  | 'wrr'
  | 'lc'
  | 'wlc'
  | 'lblc'
  | 'lblcr'
  | 'dh'
  | 'sh'
  | 'sed'
  | 'nq'
  | 'fo'
  | 'ovf'
  | 'mh'
  | 'twos'
export type SchedulerFlag = 'sh-port' | 'sh-fallback' | 'mh-port' | 'mh-fallback' | 'flag-1' | 'flag-2' | 'flag-3'

export type ServiceConfig = {
  readonly name: string
  /** Every address, port and protocol (or mark and family) that shares the real servers. */
  readonly ids: readonly ServiceIdConfig[]
  readonly settings: {
    readonly scheduler: Scheduler
    readonly flags: readonly SchedulerFlag[]
    /** Seconds. */
    readonly persistence?: { readonly timeout: number; readonly granularity: number; readonly engine?: string }
    readonly onePacket: boolean
  }
  readonly start: 'check' | 'up' | 'down'
  readonly onDown: 'remove' | 'inhibit'
  /** In weight. */
  readonly quorum: number
  readonly hysteresis: number
  readonly sorryServer?: EndServer & { readonly inhibit: boolean }
  /** 0: off. */
  readonly slowStart: Millis
  /** The next tier joins when the weight of those before it falls below. */
  readonly tierMinimum: number
  readonly realServers: readonly RealServerConfig[]
  /** Real servers that are looked up while running. */
  readonly sources: readonly ServerSource[]
}

/** A real server without checks. `port` is the port in the table; 0 for port 0 and mark services without a port of their own. */
export type EndServer = {
  readonly address: string
  readonly port: number
  readonly forward: 'nat' | 'dr' | 'tun'
  readonly tunnel?: TunnelConfig
}

/** What a real server has besides its address; `port` 0: the port of each service id. */
export type ServerTemplate = {
  readonly weight: number
  readonly forward: 'nat' | 'dr' | 'tun'
  readonly tunnel?: TunnelConfig
  readonly upper: number
  readonly lower: number
  readonly tier: number
  /** Default: the service's. */
  readonly start?: 'check' | 'up' | 'down'
  readonly onDown?: 'remove' | 'inhibit'
  readonly checks: readonly CheckConfig[]
  /** How many of the checks must pass. */
  readonly require: 'all' | 'any' | number
}

export type RealServerConfig = ServerTemplate & {
  readonly address: string
  /**
   * In the table and for the checks. Where the service has several ports and the real server says none, 0: each id's own
   * port in the table, and checks go to their own port, else to that of the first id.
   */
  readonly port: number
}

export type ServerSource = ServerTemplate &
  (
    | {
        readonly kind: 'dns'
        readonly name: string
        readonly record: 'A' | 'AAAA' | 'SRV'
        readonly port: number
        readonly refresh: Millis
      }
    | { readonly kind: 'file'; readonly path: string; readonly port: number; readonly refresh: Millis }
  )

/** One pair of sync daemons; 0: the kernel's own default. */
export type SyncConfig = {
  readonly interface: string
  readonly syncid: number
  readonly maxlen: number
  readonly port: number
  readonly ttl: number
  readonly group?: string
}

export type ApiConfig = {
  readonly socket?: string
  readonly statusSocket?: string
  readonly group: string
  readonly listen?: {
    readonly address?: string
    readonly port: number
    readonly certFile: string
    readonly keyFile: string
    readonly clientCaFile?: string
    readonly readTokenFile?: string
    readonly adminTokenFile?: string
  }
}
