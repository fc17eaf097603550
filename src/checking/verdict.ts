import type { CheckSpec } from '../../checkers/spec.js'
import type { Verdict } from '../../checkers/verdict.js'

export type Judged = { readonly spec: Pick<CheckSpec, 'severity'>; readonly verdict: Verdict }

/** What the verdicts of a real server's checks make of it. Checks that only warn or drain decide nothing here. */
export function verdictOf(checks: readonly Judged[], require: 'all' | 'any' | number): Verdict {
  const deciding = checks.filter(({ spec }) => spec.severity === 'fail')
  // Nothing is asked: what the file names is taken as up.
  if (deciding.length === 0) return 'up'
  const needed = require === 'all' ? deciding.length : require === 'any' ? 1 : Math.min(require, deciding.length)
  const up = count(deciding, 'up')
  if (up >= needed) return 'up'
  return up + count(deciding, 'unknown') >= needed ? 'unknown' : 'down'
}

/** A failing check of severity `drain` takes new connections away and leaves the old ones. */
export function wishOf(checks: readonly Judged[]): { readonly state?: 'drain' } {
  return checks.some(({ spec, verdict }) => spec.severity === 'drain' && verdict === 'down') ? { state: 'drain' } : {}
}

function count(checks: readonly Judged[], verdict: Verdict): number {
  return checks.filter(check => check.verdict === verdict).length
}
