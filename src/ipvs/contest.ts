import type { Millis } from './ports.js'

const WINDOW: Millis = 60_000
const REPAIRS = 3
const TRUCE: Millis = 600_000
/** So many entries are remembered before old ones are looked for. */
const MANY = 10_000

/** Remembers how often each entry was repaired, so that two writers of one table do not fight for ever. */
export type Contest = {
  /** Whether this entry may be repaired now; counts it when so. `left`: three repairs a minute were undone. */
  repair(entry: string, now: Millis): 'repair' | 'left'
  /** Whether it was given up. After a truce it gets one more chance. */
  left(entry: string, now: Millis): boolean
  entries(): string[]
  /** It is as wanted again, or something else is wanted of it. */
  settle(entry: string): void
}

export function contest(): Contest {
  const repairs = new Map<string, Millis[]>()
  const given = new Map<string, Millis>()

  function left(entry: string, now: Millis): boolean {
    const since = given.get(entry)
    if (since === undefined) return false
    if (now - since < TRUCE) return true
    given.delete(entry)
    // One repair, and when that is undone within a minute it is left again.
    repairs.set(
      entry,
      Array.from({ length: REPAIRS - 1 }, () => now),
    )
    return false
  }

  /** Somebody who adds another entry each time must not fill the memory. */
  function forget(now: Millis): void {
    for (const [entry, times] of repairs) if (times.every(at => now - at >= WINDOW)) repairs.delete(entry)
  }

  return {
    repair(entry, now) {
      if (left(entry, now)) return 'left'
      const recent = (repairs.get(entry) ?? []).filter(at => now - at < WINDOW)
      if (recent.length >= REPAIRS) {
        given.set(entry, now)
        repairs.delete(entry)
        return 'left'
      }
      recent.push(now)
      if (repairs.size >= MANY) forget(now)
      repairs.set(entry, recent)
      return 'repair'
    },
    left,
    entries: () => [...given.keys()],
    settle(entry) {
      given.delete(entry)
    },
  }
}
