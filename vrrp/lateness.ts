import type { Millis } from './ports.js'

/** What is remembered of how late one master's adverts came. */
export type Lateness = {
  /** Adverts heard of it so far. */
  readonly heard: number
  /** The number of the advert that showed the last loss. */
  readonly lossAt?: number
  /** Falling lateness: an entry ends all before it that are not greater. The first is the largest of the window. */
  readonly peaks: readonly { readonly nth: number; readonly at: Millis; readonly late: Millis }[]
}

export const unknownLateness: Lateness = { heard: 0, peaks: [] }

/** Below this nobody can be told apart: wake-ups and delivery of a healthy machine, ms. */
export const LEAST = 2
/** A burst is forgotten after this many adverts, and no sooner than after this time (ms). */
const WINDOW = { adverts: 8, time: 1000 }
/** The next advert may be later than any of so few: by half of eight, by next to nothing of a hundred (rule of succession). */
const DOUBT = 4
/** After a loss two more in a row are likely enough for the third, late advert to matter. */
const LOSS_REMEMBERED = 256

/** One more advert, `gap` ms after the one before it, whose sender announced `interval`. */
export function remember(before: Lateness, gap: Millis, interval: Millis, now: Millis): Lateness {
  // Nobody waits for that long: somebody slept, and no guard would have covered it.
  if (gap > 4 * interval) return before
  const heard = before.heard + 1
  // Lost adverts leave a gap of whole intervals; one that is merely late comes at any time.
  const missing = Math.max(0, Math.round(gap / interval) - 1)
  const off = gap - (missing + 1) * interval
  const lost = missing > 0 && Math.abs(off) <= interval / 12
  const late = Math.max(0, lost ? off : gap - interval)
  const recent = before.peaks.filter(({ nth, at }) => heard - nth < WINDOW.adverts || now - at <= WINDOW.time)
  const peaks = [...recent.filter(peak => peak.late > late), { nth: heard, at: now, late }]
  const lossAt = lost ? heard : before.lossAt
  return lossAt === undefined ? { heard, peaks } : { heard, peaks, lossAt }
}

/**
 * How long to wait beyond three intervals for an advert that is only late: at least 2 ms, at most `most`. Where adverts
 * get lost, a guard below `most` would cost takeovers that the RFC's skew does not make (test/vrrp/lateness.test.ts).
 */
export function guard(lateness: Lateness | undefined, most: Millis, interval: Millis): Millis {
  const limit = Math.max(most, LEAST)
  if (!lateness) return LEAST
  if (lateness.lossAt !== undefined && lateness.heard - lateness.lossAt < LOSS_REMEMBERED) return limit
  const judged = Math.max(WINDOW.adverts, Math.min(lateness.heard, WINDOW.time / interval))
  return Math.min(limit, Math.max(LEAST, (1 + DOUBT / judged) * largest(lateness)))
}

function largest({ peaks }: Lateness): Millis {
  return peaks[0]?.late ?? 0
}
