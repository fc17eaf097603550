import type { Millis } from './ports.js'
import type { DampingSpec } from './spec.js'

/** How often a server fell lately, and until when it is held down. */
export type Damping = { readonly falls: number; readonly lastFall: Millis; readonly heldUntil: Millis }

export const steady: Damping = { falls: 0, lastFall: Number.NEGATIVE_INFINITY, heldUntil: Number.NEGATIVE_INFINITY }

/**
 * A fall. The first within `forget` holds nothing; the second holds for `hold`, and each further one twice as long, up
 * to `max` (the shape of Envoy's ejection times and of route flap damping).
 */
export function fell(damping: Damping, { hold, max, forget }: DampingSpec, now: Millis): Damping {
  const falls = now - damping.lastFall > forget ? 1 : damping.falls + 1
  const held = falls === 1 ? 0 : Math.min(max, hold * 2 ** (falls - 2))
  return { falls, lastFall: now, heldUntil: now + held }
}
