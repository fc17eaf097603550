import { type Entry, isHeld } from './entry.js'
import { failed } from './errors.js'
import { nextStart, secondStart } from './next.js'
import type { Millis, Outcome } from './ports.js'
import { type Health, judge } from './verdict.js'

/** The health of a check after one more outcome: the verdict's rule, and what holds a server down although it passes. */
export function fold(entry: Entry, outcome: Outcome, final: boolean, now: Millis): Health {
  const before = entry.health
  const after = judge(before, outcome, entry.spec, final)
  if (before.verdict !== 'down' || after.verdict !== 'up' || !isHeld(entry, now)) return after
  // Assumed to be down, because the process before had taken it out: it still waits for an operator, if it is to.
  if (before.provisional && entry.spec.manualResume !== true) return after
  // One less than `rise`: the first pass after the hold-down brings it back.
  return { verdict: 'down', streak: entry.spec.rise - 1 }
}

/** A refusal, or a reset of the connect, after a dying connection: nobody listens there any more. */
export function nobodyListens({ final, health }: Entry, outcome: Outcome): boolean {
  if (outcome.passed || !final || health.verdict !== 'up' || outcome.layer !== 'L4CON') return false
  return outcome.reason === 'refused' || outcome.reason === 'reset'
}

/** Connected, and then reset or closed without an answer: accepted by a process that was about to end. */
export function brokenOff(outcome: Outcome): boolean {
  return !outcome.passed && outcome.layer !== 'L4CON' && (outcome.reason === 'reset' || outcome.reason === 'closed')
}

/** When the check is due next, given its health before and after the last attempt. `random` is in [0, 1). */
export function dueAfter(entry: Entry, before: Health, now: Millis, random: number): Millis {
  const { spec, health, base, damping } = entry
  const hurry = entry.hurry[0]
  if (hurry === undefined && isHeld(entry, now)) {
    const release = damping.heldUntil > now ? damping.heldUntil : Number.POSITIVE_INFINITY
    return Math.max(now, Math.min(base + spec.downInterval, release))
  }
  const fresh = before.verdict === 'unknown' && health.verdict !== 'unknown'
  const regular = fresh ? secondStart(spec, health, now, random) : nextStart(spec, health, base, now, random)
  return hurry === undefined ? regular : Math.max(now, Math.min(regular, hurry))
}

/** `invert`: what passes must not. Our own trouble stays our own. */
export function inverted(outcome: Outcome): Outcome {
  if (outcome.passed) return failed('bad-reply', outcome.layer, 'passes, and must not (invert)')
  if (outcome.reason === 'local-error') return outcome
  return { passed: true, layer: 'L7OKC', detail: `${outcome.reason} (invert)` }
}
