import type { Result } from './history.js'
import type { Clock, Millis, Outcome, Probe, Target } from './ports.js'
import type { CheckSpec, ProbeSpec } from './spec.js'
import type { Verdict } from './verdict.js'
import type { WatchPorts } from './watch.js'

/** What is to be checked: many listeners of the same target and parameters share one entry (`checkKey`). */
export type Wanted = {
  readonly target: Target
  readonly spec: CheckSpec
  /** What is assumed before the first own result. */
  readonly provisional?: 'up' | 'down'
}

export type VerdictChange = {
  readonly key: string
  readonly from: Verdict
  readonly to: Verdict
  readonly because: Result | undefined
}

export type Limits = {
  /** Most attempts in flight, and most programs. */
  readonly maxInFlight: number
  readonly maxPrograms: number
  /** Most watch connections. */
  readonly watchBudget: number
}

export type MonitorPorts = {
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly probeFor: (spec: ProbeSpec) => Probe
  /** Most attempts in flight. Default 512; programs have a cap of their own: 16. */
  readonly maxInFlight?: number
  readonly maxPrograms?: number
  readonly onVerdict: (change: VerdictChange) => void
  /** Every attempt's end; after the first verdict that follows from it is known, before it is told. */
  readonly onResult?: (key: string, spec: CheckSpec, outcome: Outcome, latency: Millis) => void
  /** The idle connections; absent: none are held. */
  readonly watch?: WatchPorts
  /** May this check's refusal after a dying connection take its server out without `fall`? Default: always. */
  readonly mayBeFinal?: (key: string) => boolean
  /** Why a failure at this target says nothing about the server just now: `eth0 has no carrier`. */
  readonly excuse?: (target: Target, outcome: Outcome) => string | undefined
}
