import type { Override } from '../messages.js'
import { age } from './age.js'

/** How long a drain waits at most, as far as that is to come, and when the override ends by itself. */
export function endText({ until, deadline }: Override, now: number): string {
  const removed = deadline !== undefined && deadline > now ? `removed in ${age(deadline - now)} at the latest, ` : ''
  return `${removed}${until === undefined ? 'no end' : `ends in ${age(until - now)}`}`
}
