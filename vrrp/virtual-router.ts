import type { Family, Millis, Vip } from './ports.js'

/**
 * One virtual router as one director sees it: everything resolved, defaulted and converted (times in milliseconds),
 * nothing left to check. Made by the configuration, read by the machine and the loop, never changed in place.
 */
export type VirtualRouter = {
  /** The key in the file; names the router in status, events and the kernel's ownership marks. */
  readonly name: string
  /** 1..255. */
  readonly vrid: number
  /** The interface (of this director) that carries the adverts. */
  readonly interface: string
  /** Family of the adverts and of `vips`. */
  readonly family: Family
  /** Version 2 is IPv4 only and knows whole seconds only. */
  readonly version: 2 | 3
  readonly advertInterval: Millis
  /** This director's own priority, 1..255, before tracking. 255: the VIPs are this director's own addresses (owner). */
  readonly priority: number
  readonly preempt: Preempt
  readonly transport: 'multicast' | 'unicast'
  /** The addresses (of `family`) of the other directors; destinations and accepted sources of unicast adverts. */
  readonly peers: readonly Peer[]
  /** Advertised, in this order (at most 255, all of `family`). An owner's are neither added nor removed. */
  readonly vips: readonly Vip[]
  /** Move with the mastership, an owner's too, but are not advertised; any family. */
  readonly excludedVips: readonly Vip[]
  /**
   * The IPv4 version 3 checksum that is sent: `keepalived` with the pseudo-header, `rfc9568` without. Both are accepted.
   */
  readonly profile: 'keepalived' | 'rfc9568'
  readonly authentication?: Authentication
  readonly garp: Garp
  readonly track: Track
  /**
   * Source of a contribution, `witness 10.9.0.1`: unless its last word is that it was reached, this director does not take
   * a silent master's place.
   */
  readonly witness?: string
  /** Name of this director. */
  readonly director: string
  /** Every director of the file, this one included, with its configured priority for this router: gives the rank. */
  readonly directors: readonly Director[]
  /** Routers of the same group change state together. */
  readonly syncGroup?: string
  readonly virtualMac?: VirtualMac
  /** Move with the VIPs. */
  readonly routes: readonly VirtualRoute[]
  readonly rules: readonly VirtualRule[]
  /** The interval that the last advert before a restart announces, so that backups wait for the next process (1 s). */
  readonly restartInterval: Millis
}

/** `delayed`: a director that hears a lesser master leaves it alone for `delay`, then takes over. */
export type Preempt =
  | { readonly mode: 'always' }
  | { readonly mode: 'never' }
  | { readonly mode: 'delayed'; readonly delay: Millis }

/** `minTtl` is for unicast through routers; absent: 255 (a neighbour on the segment). */
export type Peer = { readonly address: string; readonly minTtl?: number }

export type Director = { readonly name: string; readonly addresses: readonly string[]; readonly priority: number }

/** `pass`: version 2 simple text, decoration. `hmac`: version 3, the trailer of keepalived 2.4's `auth_hmac`. */
export type Authentication =
  | { readonly type: 'pass'; readonly password: string }
  | {
      readonly type: 'hmac'
      readonly keys: readonly { readonly id: number; readonly key: Uint8Array }[]
      readonly activeKey: number
      /** How far a sender's wall clock may be off. */
      readonly window: Millis
      /** enforce: unsigned is dropped. permissive: unsigned passes, wrongly signed does not. receive-only: we do not sign. */
      readonly mode: 'enforce' | 'permissive' | 'receive-only'
    }

/** Gratuitous ARP or unsolicited NA, counted in rounds over all VIPs. */
export type Garp = {
  /** Rounds at once on becoming master (5). */
  readonly repeat: number
  /** The same once more after this time (5 s); 0: no second burst. */
  readonly delay: Millis
  /** While master, every so often; 0: never. */
  readonly refresh: Millis
  readonly refreshRepeat: number
  /** After hearing a master of lower priority (end of a split brain). */
  readonly lowerPriorityRepeat: number
  readonly lowerPriorityDelay: Millis
  /** Between two VIPs; absent: all at once. */
  readonly interval?: Millis
}

/**
 * What moves the priority. `source` is the `source` of its contributions: `interface eth1`, `script chk`,
 * `file F`, `process P`, `virtual_server web`, `gateway`.
 */
export type Tracked = {
  readonly source: string
  /**
   * 0: failing is a fault. Above 0: added while fine. Below 0: subtracted while failing.
   * A number as state (files) is multiplied by it.
   */
  readonly weight: number
  /** Turns the sign round; with weight 0 being fine is the fault. */
  readonly reverse: boolean
  /** When nothing has been heard of it for 10 s: `keep` its last state, or count it as failing. */
  readonly onUnknown: 'keep' | 'fail'
  /** Interfaces: one that goes down counts as down after this time only. */
  readonly debounce?: Millis
}

export type Track = {
  /** false: the state of the router's own interface is ignored. */
  readonly ownInterface: boolean
  /** Other interfaces, by kernel name on this director; reported through linkChanged(), no contribution needed. */
  readonly interfaces: readonly Tracked[]
  readonly scripts: readonly Tracked[]
  readonly files: readonly Tracked[]
  readonly processes: readonly Tracked[]
  readonly virtualServers: readonly Tracked[]
  readonly gateway?: Tracked
}

/** Adverts and VIPs live on a macvlan with the router's own MAC (00-00-5E-00-01-vrid, IPv6 ..-02-..). */
export type VirtualMac = {
  /** Name of the macvlan, `vrrp.<vrid>` by default. */
  readonly interface: string
  /** Adverts leave from the parent interface all the same. */
  readonly transmitOnParent: boolean
}

export type VirtualRoute = {
  readonly destination: string
  readonly via?: string
  readonly interface?: string
  readonly source?: string
  readonly table?: number
  readonly metric?: number
}

export type VirtualRule = {
  readonly family: Family
  readonly from?: string
  readonly to?: string
  readonly mark?: number
  readonly interface?: string
  readonly table: number
  readonly preference?: number
}

/** The owner's VIPs are its own addresses; its priority never moves (RFC 9568 6.1). */
export function isOwner(router: VirtualRouter): boolean {
  return router.priority === 255
}

/** All that the segment is told of: the advertised VIPs and the others. */
export function allVips(router: VirtualRouter): readonly Vip[] {
  return [...router.vips, ...router.excludedVips]
}

/** Whether `movingVips` are any. */
export function movesVips(router: VirtualRouter): boolean {
  return router.excludedVips.length > 0 || !isOwner(router)
}

/** What is added with the mastership and removed with it: of an owner only what is not advertised (RFC 9568 owns the others). */
export function movingVips(router: VirtualRouter): readonly Vip[] {
  return isOwner(router) ? router.excludedVips : allVips(router)
}
