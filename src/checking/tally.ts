import type { Millis, Outcome } from '../../checkers/ports.js'
import { type CheckCount, latencyBounds } from '../messages.js'

type Count = {
  readonly check: string
  readonly kind: string
  passed: number
  readonly failed: Record<string, number>
  readonly buckets: number[]
  sum: number
}

/** Counts attempts by the name of their check until they are taken: 10,000 a second are one message every few seconds. */
export function createTally() {
  /** By kind, then by name. */
  let counts = new Map<string, Map<string, Count>>()
  return {
    add(check: string, kind: string, outcome: Outcome, latency: Millis): void {
      const named = counts.get(kind) ?? new Map<string, Count>()
      let count = named.get(check)
      if (!count) {
        count = { check, kind, passed: 0, failed: {}, buckets: latencyBounds.map(() => 0), sum: 0 }
        named.set(check, count)
        counts.set(kind, named)
      }
      if (outcome.passed) count.passed++
      else count.failed[outcome.reason] = (count.failed[outcome.reason] ?? 0) + 1
      const at = latencyBounds.findIndex(bound => latency <= bound)
      if (at >= 0) count.buckets[at] = (count.buckets[at] ?? 0) + 1
      count.sum += latency
    },
    take(): readonly CheckCount[] {
      const taken = [...counts.values()].flatMap(named => [...named.values()])
      counts = new Map()
      return taken
    },
  }
}
