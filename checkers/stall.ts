import type { Millis } from './ports.js'

/** Later than this is our own standstill and not the timer's grain. */
const GRAIN: Millis = 10

/** Adds up how long this process did not look at its sockets, from how late its own timer woke it. */
export function createStallMeter() {
  let total = 0
  let alive = Number.NEGATIVE_INFINITY
  return {
    /** Longest pause between two wakes while attempts are in flight: what passes unnoticed is shorter. */
    heartbeat: 50,
    /** A wake that was due at `due`. A late one counts from the wake before: rather too much than too little. */
    woke(due: Millis, now: Millis) {
      if (now - due > GRAIN) total += now - Math.max(alive, due - 50)
      alive = now
    },
    total: () => total,
  }
}
