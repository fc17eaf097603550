import type { Counters, Histogram } from './counters.js'
import type { Addresses, Announcer, Clock, Lan, Millis, Received, Vip } from './ports.js'
import type { RouterStatus } from './router-status.js'
import type { Sender } from './senders.js'
import type { Behind, PeerView, Resume } from './state.js'
import type { Command, Member } from './sync-group.js'
import type { VirtualRouter } from './virtual-router.js'

export type RouterPorts = {
  readonly clock: Clock
  readonly lan: Lan
  readonly addresses: Addresses
  readonly announcer: Announcer
  /** Milliseconds since the epoch: for people and for the HMAC's sequence. Date.now by default. */
  readonly epoch?: () => number
}

export type StartOptions = {
  /** The previous process was master: go straight on, if nobody can have taken over. */
  readonly resume?: Resume
  /** The order to stay behind is older than this process (maintenance). */
  readonly behind?: Behind
  readonly ready?: boolean
  /** Interfaces that are known, by name. */
  readonly links?: ReadonlyMap<string, boolean>
  readonly peers?: readonly PeerView[]
}

export type FailoverOrder = {
  readonly back: boolean
  readonly author: string
  readonly reason?: string
  /** Maintenance: behind even when nobody else is left, until given back. */
  readonly lasting?: boolean
}

/**
 * no-taker: nobody advertised in time, this director stays master. not-master: there is nothing to hand over.
 * not-behind: there is nothing to give back. stopped: the router left or got a fault before it was decided.
 */
export type FailoverResult =
  | { readonly done: true; readonly to?: string }
  | { readonly done: false; readonly code: 'no-taker' | 'not-master' | 'not-behind' | 'stopped' }

/** A running virtual router. Nothing here throws or waits, but where a promise says so. */
export type RouterHandle = {
  /** A packet of this router's vrid. The payload is not kept. */
  receive(packet: Received): void
  /** A tracked thing's state; undefined: unknown, the last one holds for 10 s. */
  contribution(source: string, state: boolean | number | undefined, reason: string): void
  /** Whoever reported contributions is gone: all of them are unknown from now. */
  trackingLost(): void
  /** The own table is complete (or not any more). */
  ready(ready: boolean): void
  /** All that the peer channel knows; replaces what it said before. */
  peers(views: readonly PeerView[]): void
  /** After a link of ours came back the own table counts as incomplete until `ready(true)` is said again, or for 10 s. Undefined: there is none of that name. */
  linkChanged(name: string, up: boolean | undefined): void
  /** The interface's own addresses may have changed: look again where adverts leave from. */
  addressChanged(): void
  /** A VIP vanished behind our back. */
  vipLost(address: string): void
  /** This router as its sync group sees it, and what the group demands. */
  membership(): Member
  obey(command: Command): void
  /** Announces again, if master: bridge or bond changed. */
  reannounce(): void
  failover(order: FailoverOrder): Promise<FailoverResult>
  /** Keeps state, timers and counters. */
  reconfigure(router: VirtualRouter): void
  /** Resolves when nothing is left to do: VIPs handed over and gone (stop), or kept for the next process (restart). */
  leave(how: 'stop' | 'restart'): Promise<void>
  status(): RouterStatus
  /** Why it is what it is, and what it waits for: sentences for a person. */
  explain(): readonly string[]
  counters(): Readonly<Counters>
  /** How late adverts come, against what their sender announced (ms). */
  lateness(): Histogram
  /** The times between two adverts of the same master, in intervals that it announced. */
  interarrival(): Histogram
  /** Whom it heard, in which form of the checksum. */
  senders(): readonly Sender[]
  /** How late this process woke for its own deadlines (ms). */
  lag(): Histogram
  /** What must be withdrawn should this process die, while it is master. `patience` in ms after our last advert. */
  held(): { readonly router: string; readonly vips: readonly Vip[]; readonly patience: Millis } | undefined
}
