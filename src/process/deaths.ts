import type { Role } from '../messages.js'
import { restartDelay } from './backoff.js'
import type { Child } from './child.js'

/** A spare that is killed in one breath with the process whose place it takes dies within this time of taking it, ms. */
const oneBreath = 100

/** How often each role has died lately, and how soon it may be started again. Times are of one monotonic clock, ms. */
export function createDeaths() {
  const counted = new Map<Role, readonly number[]>()
  const promoted = new WeakMap<Child, number>()

  return {
    /** A spare has taken the place of a dead process. */
    promoted(child: Child, now: number): void {
      promoted.set(child, now)
    },
    /** Counts a death. Two processes of a role that were killed together have died once: what killed them is not in the program. */
    add(child: Child, now: number): void {
      if (now - (promoted.get(child) ?? Number.NEGATIVE_INFINITY) < oneBreath) return
      counted.set(child.role, [...(counted.get(child.role) ?? []).filter(at => now - at < 60_000), now])
    },
    /** How long to wait before another process of the role is started, ms. */
    delay: (role: Role, now: number): number => restartDelay(counted.get(role) ?? [], now),
    /** Whether the next one follows a dead one. */
    any: (role: Role): boolean => (counted.get(role) ?? []).length > 0,
    /** The next one starts as if none had died before. */
    forget(role: Role): void {
      counted.delete(role)
    },
  }
}
