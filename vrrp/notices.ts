import type { Note, NoticeCode } from './note.js'
import type { Clock } from './ports.js'

const QUIET = 60_000
const MOST_KEYS = 256

/** Lets the first of each kind pass and then one a minute: a flood of garbage must not become a flood of words. */
export function notices(router: string, clock: Clock, notify: (note: Note) => void) {
  const seen = new Map<string, { until: number; suppressed: number }>()

  /** `quiet`: how long the same is not told again, in ms. */
  return function notice(
    code: NoticeCode,
    text: string,
    data: Readonly<Record<string, string | number>>,
    kind = '',
    quiet = QUIET,
  ) {
    const key = `${code} ${kind}`
    const before = seen.get(key)
    if (before && clock.now() < before.until) {
      before.suppressed++
      return
    }
    // Kinds may hold addresses, and those may be forged.
    if (seen.size >= MOST_KEYS) seen.clear()
    seen.set(key, { until: clock.now() + quiet, suppressed: 0 })
    notify({ type: 'notice', router, code, text, data, suppressed: before?.suppressed ?? 0 })
  }
}
