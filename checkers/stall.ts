import type { Millis } from './ports.js'

/** Later than this is our own standstill and not the timer's grain. */
const GRAIN: Millis = 10
/** Pauses that are remembered: of a busy loop's many small ones only the latest matter. */
const KEPT = 64

/** Remembers how long this process did not look at its sockets, from how late its own timer woke it. */
export function createStallMeter() {
  const pauses: { readonly from: Millis; readonly until: Millis }[] = []
  let total = 0
  let alive = Number.NEGATIVE_INFINITY
  return {
    /** Longest pause between two wakes while attempts are in flight: what passes unnoticed is shorter. */
    heartbeat: 50,
    /** A wake that was due at `due`. A late one counts from the wake before: rather too much than too little. */
    woke(due: Millis, now: Millis) {
      if (now - due > GRAIN) {
        const from = Math.max(alive, due - 50)
        total += now - from
        pauses.push({ from, until: now })
        if (pauses.length > KEPT) pauses.shift()
      }
      alive = now
    },
    /**
     * The longest single pause since `time`. What waited in the sockets has been read by the time it is asked for, so short
     * pauses, however many, cost an attempt nothing but their own length; they are not added up.
     */
    longestSince(time: Millis): Millis {
      let longest = 0
      for (const { from, until } of pauses) longest = Math.max(longest, until - Math.max(from, time))
      return longest
    },
    total: () => total,
  }
}
