import type { Lateness } from './lateness.js'
import type { Millis } from './ports.js'
import type { VirtualRouter } from './virtual-router.js'

/**
 * Where a virtual router is. `phase` carries its own deadline, so no timer can leak or be forgotten; `knowledge` is what
 * outlives a change of phase.
 */
export type State = { readonly phase: Phase; readonly knowledge: Knowledge }
export type StateName = Phase['name']

export type Phase =
  | { readonly name: 'init' }
  | Backup
  | Master
  | { readonly name: 'fault'; readonly retry?: Retry; readonly deadline?: Millis }

/** A fault that only trying again can end (an address refused); the others end when their cause does. */
export type Retry = { readonly at: Millis; readonly reason: string }

export type Backup = {
  readonly name: 'backup'
  /** The master that we follow; undefined until one was heard. */
  readonly master?: HeardMaster
  /** Version 3: learned from the master, our own until then. */
  readonly masterInterval: Millis
  readonly deadline: Millis
  /**
   * Before the deadline: when we look whether we are awake, half an interval after an advert that did not come. Who misses
   * that stood still together with the master, or nearly so.
   */
  readonly lookAt?: Millis
  /** The master said that it leaves: intervals and guard are waived. */
  readonly left: boolean
  /** We woke too late to judge, and gave the master one more chance. */
  readonly rearmed: boolean
  /** Delayed pre-emption: when the lesser master's time is up. */
  readonly preemptAt?: Millis
  /** A master of lower priority was last heard, and not followed. */
  readonly lesserAt?: Millis
  /** The deadline has passed, and the sync group is not yet of one mind. */
  readonly wants: boolean
}

export type Master = {
  readonly name: 'master'
  /** When the next advert (or the next look) is due. */
  readonly deadline: Millis
  readonly lastSent: Millis
  /** The kernel has the VIPs. */
  readonly claimed: boolean
  /** A live lesser master is told only once the VIPs are here. */
  readonly relieving?: true
  /** We slept longer than the others wait: hear first whether one of them has taken over. */
  readonly listening: boolean
  /** The mastership is on offer: we hold the VIPs until somebody advertises, or until the time is up. */
  readonly leaving?: { readonly until: Millis; readonly then: 'behind' | 'end' }
}

export type HeardMaster = {
  readonly address: string
  readonly priority: number
  readonly heardAt: Millis
  readonly lateness: Lateness
}

export type Knowledge = {
  /** This director's priority with all contributions. */
  readonly priority: number
  /** Why this router must not be master; empty: it may. */
  readonly faults: readonly string[]
  /** Why a silent master must not be replaced from here; undefined: it may. */
  readonly unwitnessed?: string
  /** Since when the own table is incomplete; undefined: it is complete. */
  readonly unreadySince: Millis | undefined
  /** What the peer channel says of the other directors, by name. */
  readonly peers: ReadonlyMap<string, PeerView>
  /** When a router was last heard that is none of the configured directors. */
  readonly strangerAt?: Millis
  /** IPv6: link-local addresses that adverts came from, and when last. They are in no file; only their number tells. */
  readonly linkLocals: ReadonlyMap<string, Millis>
  readonly behind?: Behind
  /** Attempts to claim the VIPs that the kernel refused in a row. */
  readonly refusals: number
}

export type PeerView = {
  readonly director: string
  /** It is lvskeeper and runs our configuration: its takeover obeys the same ranks. */
  readonly sameConfig: boolean
  /** Its effective priority for this router, while that is fresh. */
  readonly priority?: number
  /** Where its adverts come from, if not (or not only) from its addresses in the file (IPv6 link-local). */
  readonly sources?: readonly string[]
}

/** By order of an operator (or because of maintenance) this director leaves the mastership to others. */
export type Behind = {
  readonly author: string
  readonly reason?: string
  /** Milliseconds since the epoch, for people. */
  readonly at: number
  /** true: also while it is master because nobody else is left (maintenance); false: that ends it. */
  readonly lasting: boolean
}

/** The previous process was master. */
export type Resume = {
  /** Its last advert went out this long ago. */
  readonly silence: Millis
  /** How long the others wait after that advert; three of our intervals, unless it announced another one. */
  readonly patience?: Millis
}

export type Event =
  | { readonly type: 'startup'; readonly resume?: Resume }
  | { readonly type: 'tick' }
  /** `waited`: how long it lay in the socket before it was read. */
  | {
      readonly type: 'advert'
      readonly priority: number
      readonly interval: Millis
      readonly from: string
      readonly waited?: Millis
    }
  /** Our standing after tracking. */
  | {
      readonly type: 'standing'
      readonly priority: number
      readonly faults: readonly string[]
      readonly unwitnessed?: string
    }
  | { readonly type: 'ready'; readonly ready: boolean }
  | { readonly type: 'peers'; readonly peers: readonly PeerView[] }
  | { readonly type: 'claimed' }
  | { readonly type: 'claim-refused'; readonly error: string }
  /** A VIP is gone from the kernel that we did not remove. */
  | { readonly type: 'vip-lost' }
  /** `inARow`: adverts that the kernel did not take, one after the other. */
  | { readonly type: 'send-failed'; readonly error: string; readonly inARow: number }
  | { readonly type: 'failover'; readonly behind: Behind }
  | { readonly type: 'give-back' }
  | { readonly type: 'reconfigured'; readonly before: VirtualRouter }
  /** The sync group is of one mind, or a member of it is not. */
  | { readonly type: 'group'; readonly to: 'master' | 'backup' }
  | { readonly type: 'shutdown'; readonly how: 'stop' | 'restart' }

export type Effect =
  /** `interval` is what the advert announces. */
  | { readonly type: 'send'; readonly priority: number; readonly interval: Millis }
  | { readonly type: 'claim' }
  | { readonly type: 'release' }
  | { readonly type: 'announce'; readonly why: 'takeover' | 'lower-priority' | 'reclaimed' }
  | { readonly type: 'transition'; readonly from: StateName; readonly to: StateName; readonly cause: Cause }
  | { readonly type: 'notice'; readonly notice: Notice }

/** Worth telling, though the state stays. */
export type Notice =
  | { readonly what: 'two-masters'; readonly other: string; readonly priority: number }
  | { readonly what: 'stalled'; readonly late: Millis }
  | { readonly what: 'wants-master' }
  /** A lesser master is heard, and will be relieved when the timer ends. */
  | { readonly what: 'will-preempt'; readonly master: string }
  | { readonly what: 'handed-over'; readonly to: string }
  | { readonly what: 'no-taker' }
  /** The master is silent, but so is the witness. */
  | { readonly what: 'unwitnessed'; readonly why: string }
  | { readonly what: 'stranger'; readonly address: string }

/** Why a router changed its state. The first two are `new-master-reason` of ietf-vrrp (RFC 8347). */
export type Cause =
  | 'no-response'
  | 'preempted'
  /** The master said that it leaves. */
  | 'master-left'
  | 'owner'
  /** The process is new, the mastership is not. */
  | 'resumed'
  | 'startup'
  | 'higher-priority-master'
  /** Equal priority, higher address. */
  | 'higher-address-master'
  /** We slept longer than the others wait. */
  | 'stalled'
  | 'handed-over'
  | 'given-back'
  | 'fault'
  | 'fault-cleared'
  | 'claim-refused'
  | 'send-failed'
  | 'sync-group'
  | 'shutdown'
  | 'restart'

export type Step = readonly [State, readonly Effect[]]
