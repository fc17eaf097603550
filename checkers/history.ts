import type { Outcome } from './ports.js'

/** One attempt as it is remembered: when it began (epoch ms), how long it took (ms), what it found. */
export type Result = { readonly at: number; readonly latency: number; readonly outcome: Outcome }

const RESULTS = 16
const LATENCIES = 64

/** The last results of one check, oldest first, and the latencies of its last passes. */
export function createHistory() {
  let results: Result[] = []
  let next = 0
  const latencies = new Float32Array(LATENCIES)
  let passes = 0

  return {
    add(result: Result) {
      if (results.length < RESULTS) results.push(result)
      else results[next] = result
      next = (next + 1) % RESULTS
      if (result.outcome.passed) latencies[passes++ % LATENCIES] = result.latency
    },
    last: (): Result | undefined => results[(next + RESULTS - 1) % RESULTS],
    results: (): readonly Result[] =>
      results.length < RESULTS ? results.slice() : [...results.slice(next), ...results.slice(0, next)],
    /** Of the last passes, ms; undefined before the first. */
    percentile(share: number): number | undefined {
      const known = latencies.slice(0, Math.min(passes, LATENCIES)).sort()
      return known[Math.min(known.length - 1, Math.floor(share * known.length))]
    },
    clear() {
      results = []
      next = passes = 0
    },
  }
}

export type History = ReturnType<typeof createHistory>
