import type { Clock } from '../../checkers/ports.js'

/** Time that passes only when told; promises settle between two moments. */
export function virtualClock(start = 0) {
  let now = start
  const timers = new Set<{ deadline: number; wake: () => void }>()
  const clock: Clock = {
    now: () => now,
    at(deadline, wake) {
      const timer = { deadline, wake }
      timers.add(timer)
      return () => timers.delete(timer)
    },
  }
  const settle = () => new Promise(resolve => setImmediate(resolve))

  return {
    clock,
    async until(end: number) {
      for (;;) {
        await settle()
        const first = [...timers].sort((a, b) => a.deadline - b.deadline)[0]
        if (!first || first.deadline > end) break
        timers.delete(first)
        now = Math.max(now, first.deadline)
        first.wake()
      }
      now = end
      await settle()
    },
    /** The process stands still: time passes and no timer fires. */
    stall(ms: number) {
      now += ms
    },
  }
}
