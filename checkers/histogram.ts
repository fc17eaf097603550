/** Counts durations in buckets that grow by a fifth: quantiles to within 20 % for a few additions, in 1 KB. */
export function createHistogram() {
  const counts = new Uint32Array(BUCKETS)
  let total = 0
  let sum = 0
  let highest = 0

  return {
    add(ms: number) {
      const value = Math.max(0, ms)
      const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log(value / LOWEST) / STEP)))
      counts[bucket] = (counts[bucket] ?? 0) + 1
      total++
      sum += value
      if (value > highest) highest = value
    },
    /** Upper edge of the bucket that holds this share of the values, ms; 0 when empty. */
    quantile(share: number): number {
      let left = share * total
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        left -= counts[bucket] ?? 0
        if (left <= 0) return total === 0 ? 0 : Math.min(highest, LOWEST * Math.exp(bucket * STEP))
      }
      return highest
    },
    count: () => total,
    sum: () => sum,
    max: () => highest,
    reset() {
      counts.fill(0)
      total = sum = highest = 0
    },
  }
}

/** 0.01 ms to beyond an hour. */
const BUCKETS = 128
const LOWEST = 0.01
const STEP = Math.log(1.2)
