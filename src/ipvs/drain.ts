import type { OverrideInput } from './inputs.js'
import type { Millis } from './ports.js'

/** What the kernel says of a real server that shall go: undefined where it has no such entry. */
export type Left = { readonly weight: number; readonly active: number; readonly inactive: number } | undefined

export type DrainPhase =
  | { readonly phase: 'draining'; readonly active: number; readonly inactive: number; readonly deadline?: Millis }
  | { readonly phase: 'drained'; readonly because: 'no connections left' | 'the deadline has passed' | 'it died' }

/**
 * How far a drain is. `left` has one entry per kernel service of the virtual server. Counts only count once the
 * kernel holds weight 0: before that a new connection may still come. UDP and half-closed TCP connections are the
 * inactive ones. Drained is final until the override ends.
 */
export function drainPhase(
  override: OverrideInput,
  state: { readonly dead: boolean; readonly left: readonly Left[]; readonly known: boolean; readonly drained: boolean },
  now: Millis,
): DrainPhase {
  if (state.dead) return { phase: 'drained', because: 'it died' }
  if (override.deadline !== undefined && now >= override.deadline)
    return { phase: 'drained', because: 'the deadline has passed' }
  const active = sum(state.left, left => left?.active ?? 0)
  const inactive = sum(state.left, left => left?.inactive ?? 0)
  const quiet = state.left.every(left => left === undefined || left.weight === 0)
  const waiting = active + ((override.inactive ?? true) ? inactive : 0)
  if (state.drained || (state.known && quiet && waiting === 0))
    return { phase: 'drained', because: 'no connections left' }
  const { deadline } = override
  return { phase: 'draining', active, inactive, ...(deadline === undefined ? {} : { deadline }) }
}

function sum(left: readonly Left[], count: (one: Left) => number): number {
  return left.reduce((total, one) => total + count(one), 0)
}
