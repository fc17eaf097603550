import type { Clock } from '../../vrrp/ports.js'

/** Time that only moves when told to. */
export function virtualTime(start = 1000) {
  let now = start
  let serial = 0
  const timers = new Map<number, { at: number; wake: () => void }>()

  return {
    now: () => now,
    schedule,
    /** `rate` above 1: this clock runs fast. */
    clock(rate = 1, offset = 0): Clock {
      return {
        now: () => (now - start) * rate + start + offset,
        at: (deadline, wake) => schedule((deadline - offset - start) / rate + start, wake),
      }
    },
    /** Runs everything that is due until then, in order; lets promises settle in between. */
    async until(end: number) {
      for (;;) {
        await settle()
        const next = earliest()
        if (!next || next[1].at > end) break
        now = Math.max(now, next[1].at)
        timers.delete(next[0])
        next[1].wake()
      }
      now = Math.max(now, end)
    },
    pending: () => timers.size,
  }

  function schedule(at: number, wake: () => void): () => void {
    const id = serial++
    timers.set(id, { at: Math.max(at, now), wake })
    return () => timers.delete(id)
  }

  function earliest() {
    let best: [number, { at: number; wake: () => void }] | undefined
    for (const entry of timers) if (!best || entry[1].at < best[1].at) best = entry
    return best
  }
}

/** A few turns of the microtask queue: a claim and what it causes. */
async function settle() {
  for (let i = 0; i < 8; i++) await Promise.resolve()
}
