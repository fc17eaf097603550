import type { Millis } from './ports.js'
import type { ServerSettings, ServiceId, ServiceSettings } from './table.js'

/** What the file, the checks and the operators say of the virtual servers: all that the desired table follows from. */
export type VirtualServerInput = {
  readonly name: string
  /** One kernel service each: several in a group of addresses, ports or protocols. */
  readonly ids: readonly ServiceId[]
  readonly settings: ServiceSettings
  /** In units of weight. 0: always up. */
  readonly quorum: number
  readonly hysteresis: number
  readonly sorry?: SorryInput
  /** The next tier is used when the weight up in the tiers before it is below this. Default 1. */
  readonly tierMinimum?: number
  /** Ramp after a recovery, in ms. */
  readonly slowStart?: Millis
  /** What a real server without verdict counts as, where the kernel does not have it. `check`: not in the table. */
  readonly start: 'check' | 'up' | 'down'
  readonly servers: readonly RealServerInput[]
}

export type SorryInput = {
  readonly address: string
  /** 0: the service's own. */
  readonly port: number
  readonly settings: ServerSettings
  /** Stays in the table with weight 0 while it is not needed. */
  readonly inhibit: boolean
}

export type RealServerInput = {
  readonly address: string
  /** 0: the service's own. Without nat the kernel entry has the service's port whatever this says. */
  readonly port: number
  /** As the file says. */
  readonly settings: ServerSettings
  readonly verdict: 'up' | 'down' | 'unknown'
  /** The mass failure guard keeps it in the table although its verdict is down. */
  readonly held?: boolean
  /** When it came back after having been down (monotonic); absent: up from the start, so no ramp. */
  readonly upSince?: Millis
  /** The newest override that applies to it. */
  readonly override?: OverrideInput
  /** What the server asks for itself (agent). */
  readonly wish?: { readonly weight?: number; readonly percent?: number; readonly state?: 'ready' | 'drain' | 'maint' }
  /** 0 (default): first choice. */
  readonly tier?: number
  /** When down: weight 0 instead of removal. */
  readonly inhibit: boolean
  /** Default: the virtual server's. */
  readonly start?: VirtualServerInput['start']
}

export type OverrideInput = {
  readonly verb: 'drain' | 'maint' | 'weight' | 'force-up' | 'force-down'
  readonly weight?: number
  /** drain: remove at this time (monotonic) even if connections are left. */
  readonly deadline?: Millis
  /** drain: whether half-closed and UDP connections count too. Default true. */
  readonly inactive?: boolean
}
