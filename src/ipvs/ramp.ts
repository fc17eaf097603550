import type { Millis } from './ports.js'

/** While one server of a service ramps, all weights of the service are multiplied by this: 5 % steps. */
export const RAMP_SCALE = 20

/** Linear share of the full weight, in twentieths, at least one; undefined when the ramp is over (or never was). */
export function rampStep(upSince: Millis | undefined, slowStart: Millis | undefined, now: Millis): number | undefined {
  if (upSince === undefined || !slowStart || now >= upSince + slowStart) return undefined
  const elapsed = Math.max(0, now - upSince)
  return Math.max(1, Math.floor((elapsed * RAMP_SCALE) / slowStart))
}

/** When the ramp takes its next step: no more often than once a second. */
export function nextRampStep(slowStart: Millis, now: Millis): Millis {
  return now + Math.max(1000, slowStart / RAMP_SCALE)
}
