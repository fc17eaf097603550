import type { Note, NoticeCode } from './note.js'
import type { Clock } from './ports.js'

const QUIET = 60_000
/** Kinds of one code that are told apart within a minute: kinds may hold addresses, and those may be forged. */
const MOST_KINDS = 16

/** Lets the first of each kind pass and then one a minute: a flood of garbage must not become a flood of words. */
export function notices(router: string, clock: Clock, notify: (note: Note) => void) {
  const seen = new Map<NoticeCode, Map<string, { until: number; suppressed: number }>>()

  /** `quiet`: how long the same is not told again, in ms. */
  return function notice(
    code: NoticeCode,
    text: string,
    data: Readonly<Record<string, string | number>>,
    kind = '',
    quiet = QUIET,
  ) {
    const now = clock.now()
    const kinds = seen.get(code) ?? new Map<string, { until: number; suppressed: number }>()
    seen.set(code, kinds)
    if (!kinds.has(kind) && kinds.size >= MOST_KINDS)
      for (const [old, { until }] of kinds) if (until <= now) kinds.delete(old)
    const key = kinds.has(kind) || kinds.size < MOST_KINDS ? kind : 'others'
    const before = kinds.get(key)
    if (before && now < before.until) {
      before.suppressed++
      return
    }
    kinds.set(key, { until: now + quiet, suppressed: 0 })
    notify({ type: 'notice', router, code, text, data, suppressed: before?.suppressed ?? 0 })
  }
}
