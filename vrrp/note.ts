import type { Millis } from './ports.js'
import type { Cause, StateName } from './state.js'

/** Milliseconds since the epoch: for people. */
export type Epoch = number

/** What a router tells its surroundings. */
export type Note =
  /** The state has changed: act upon it. */
  | {
      readonly type: 'state'
      readonly router: string
      readonly from: StateName
      readonly to: StateName
      readonly cause: Cause
    }
  /** The same, to be told to people: once its timeline is complete (first announcement on the wire) or the next change came. */
  | ({ readonly type: 'transition' } & Transition)
  /** Worth telling; the same again is told at most once a minute, with the number left out. */
  | ({ readonly type: 'notice' } & Notification)
  /** `status()` answers something else than before, though the state is the same. */
  | { readonly type: 'changed'; readonly router: string }

export type Transition = {
  readonly router: string
  readonly from: StateName
  readonly to: StateName
  readonly cause: Cause
  readonly at: Epoch
  /** Effective, at that moment. */
  readonly priority: number
  readonly faults: readonly string[]
  /** Who was master before, or is now. */
  readonly master?: string
  readonly timeline: readonly Moment[]
}

/** `offset`: ms before (below 0) or after the decision. */
export type Moment = { readonly at: Epoch; readonly offset: Millis; readonly what: string }

export type NoticeCode =
  | 'two-masters'
  | 'stalled'
  | 'stranger'
  | 'no-taker'
  | 'unwitnessed'
  | 'handed-over'
  | 'vip-lost'
  | 'claim-refused'
  | 'send-failed'
  | 'checksum-form'
  | 'addresses-differ'
  | 'interval-differs'
  | 'discarded'
  /** Somebody else uses our address. */
  | 'own-address'
  | 'wants-master'
  | 'will-preempt'

export type Notification = {
  readonly router: string
  readonly code: NoticeCode
  /** One sentence for a person. */
  readonly text: string
  readonly data: Readonly<Record<string, string | number>>
  /** How many equal ones were left out since the last. */
  readonly suppressed: number
}
