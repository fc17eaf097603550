import type { Millis } from './ports.js'
import type { Health } from './verdict.js'

export type Pace = {
  readonly interval: Millis
  readonly fastInterval: Millis
  readonly downInterval: Millis
  /** Share by which each start may come earlier or later. */
  readonly jitter: number
}

/**
 * When the next attempt starts, given the last one's start and the health after it. Counted from start to start; an
 * attempt that took longer than its interval is followed at once. `random` is in [0, 1).
 */
export function nextStart(pace: Pace, health: Health, started: Millis, now: Millis, random: number): Millis {
  const period = periodOf(pace, health)
  return Math.max(now, started + period * (1 + pace.jitter * (2 * random - 1)))
}

/** The interval that the health asks for: fast as soon as a result contradicts the verdict. */
export function periodOf(pace: Pace, health: Health): Millis {
  if (health.streak > 0 || health.verdict === 'unknown') return pace.fastInterval
  return health.verdict === 'down' ? pace.downInterval : pace.interval
}

/** First start of a new check: at once for a few, spread over the interval for thousands (5 per ms). */
export function firstStart(pace: Pace, news: number, now: Millis, random: number): Millis {
  return now + random * Math.min(pace.interval, news * 0.2)
}

/** Second start: anywhere in the interval, so that checks which began together do not stay together. */
export function secondStart(pace: Pace, health: Health, now: Millis, random: number): Millis {
  return now + random * periodOf(pace, health)
}
