import type { Outcome } from './ports.js'

export type Verdict = 'unknown' | 'up' | 'down'

export type Health = {
  readonly verdict: Verdict
  /** Results in a row that contradict the verdict. */
  readonly streak: number
  /** The verdict is an assumption (seeded from the kernel's table, or by `start: up`): the first outcome decides. */
  readonly provisional?: boolean
}

export type Thresholds = { readonly rise: number; readonly fall: number }

export const unknown: Health = { verdict: 'unknown', streak: 0 }

/** Health before the first own result: what the table or the file assumes. */
export function assumed(verdict: 'up' | 'down'): Health {
  return { verdict, streak: 0, provisional: true }
}

/**
 * Folds one outcome into the health of a real server. The first outcome decides at once; after that `rise` passes or
 * `fall` failures in a row do. `final` spares a failure the `fall`. A local error says nothing about the server.
 */
export function judge(health: Health, outcome: Outcome, { rise, fall }: Thresholds, final = false): Health {
  if (!outcome.passed && outcome.reason === 'local-error') return health
  const verdict = outcome.passed ? 'up' : 'down'
  if (health.verdict === verdict) return health.streak === 0 && !health.provisional ? health : settled(verdict)
  const streak = health.streak + 1
  const first = health.verdict === 'unknown' || health.provisional
  const needed = first || (final && !outcome.passed) ? 1 : outcome.passed ? rise : fall
  return streak >= needed ? settled(verdict) : { verdict: health.verdict, streak }
}

const up: Health = { verdict: 'up', streak: 0 }
const down: Health = { verdict: 'down', streak: 0 }

function settled(verdict: 'up' | 'down'): Health {
  return verdict === 'up' ? up : down
}
