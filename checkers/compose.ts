import type { Outcome, Wish } from './ports.js'
import type { Severity } from './spec.js'
import type { Verdict } from './verdict.js'

/** One check of a real server, as far as its verdict goes. */
export type Part = {
  readonly name: string
  readonly severity: Severity
  readonly verdict: Verdict
  /** Its last result, for the wish in it and the reason. */
  readonly last?: Outcome | undefined
}

/** What all checks of a real server together say about it. */
export type Composed = {
  readonly verdict: Verdict
  /** Names of the checks that fail, in the file's order. */
  readonly because: readonly string[]
  /** weight 0 asked for by a check of severity `drain`, or by the server itself. */
  readonly state?: 'drain' | 'maint'
  /** What remains of the configured weight, 0..100: `degrade` halves it, an agent says it. */
  readonly percent: number
  /** Absolute weight that the server asked for (misc-dynamic, agent). */
  readonly weight?: number
  /** Added to the weight (files). */
  readonly add: number
  readonly maxConnections?: number
  /** Failing checks that only warn, and what passing ones warn of. */
  readonly warnings: readonly string[]
}

/** How much of its weight a server keeps for each failing check of severity `degrade`. */
const DEGRADED = 0.5

/** Combines the checks of one real server. `require`: how many of those with severity `fail` must pass. */
export function compose(parts: readonly Part[], require: 'all' | 'any' | number): Composed {
  const failing = parts.filter(({ verdict }) => verdict === 'down')
  const wishes = parts.flatMap(({ last }) => (last?.wish ? [last.wish] : []))
  const percent = wishes.reduce((share, { percent = 100 }) => Math.min(share, percent), 100)
  const degraded = failing.filter(({ severity }) => severity === 'degrade').length
  const weight = first(wishes, 'weight')
  const maxConnections = first(wishes, 'maxConnections')
  const state = stateOf(failing, wishes)
  return {
    verdict: verdictOf(parts, require),
    because: failing.map(({ name }) => name),
    ...(state ? { state } : {}),
    percent: percent * DEGRADED ** degraded,
    ...(weight === undefined ? {} : { weight }),
    add: wishes.reduce((sum, { add = 0 }) => sum + add, 0),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    warnings: parts.flatMap(({ name, severity, verdict, last }) => {
      if (severity === 'warn' && verdict === 'down') return [`${name} fails`]
      return last?.passed && last.warning !== undefined ? [`${name}: ${last.warning}`] : []
    }),
  }
}

/** Up as soon as enough pass; down as soon as no more can; unknown in between. Nothing asked: up. */
function verdictOf(parts: readonly Part[], require: 'all' | 'any' | number): Verdict {
  const deciding = parts.filter(({ severity }) => severity === 'fail')
  if (deciding.length === 0) return 'up'
  const needed = require === 'all' ? deciding.length : require === 'any' ? 1 : Math.min(require, deciding.length)
  const count = (wanted: Verdict) => deciding.filter(({ verdict }) => verdict === wanted).length
  const up = count('up')
  if (up >= needed) return 'up'
  return up + count('unknown') >= needed ? 'unknown' : 'down'
}

/** maint outranks drain, whoever asks. */
function stateOf(failing: readonly Part[], wishes: readonly Wish[]): 'drain' | 'maint' | undefined {
  if (wishes.some(({ state }) => state === 'maint')) return 'maint'
  const drains = wishes.some(({ state }) => state === 'drain') || failing.some(({ severity }) => severity === 'drain')
  return drains ? 'drain' : undefined
}

function first(wishes: readonly Wish[], field: 'weight' | 'maxConnections'): number | undefined {
  return wishes.find(wish => wish[field] !== undefined)?.[field]
}
