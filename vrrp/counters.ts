import { type DiscardReason, discardReasons } from './discard.js'

/** What a virtual router counts; names as in ietf-vrrp (RFC 8347) where it has them. */
export const counterNames = [
  'advertisement-rcvd',
  'advertisement-sent',
  'priority-zero-pkts-rcvd',
  'priority-zero-pkts-sent',
  'master-transitions',
  'address-list-error',
  'send-failed',
  'claim-refused',
  'vip-lost',
  'announcements',
  'stalls',
  'two-masters',
  /** Adverts by the form of their checksum. */
  'checksum-plain',
  'checksum-pseudo-header',
] as const

export type CounterName = (typeof counterNames)[number] | DiscardReason
export type Counters = Record<CounterName, number>

export function zeroCounters(): Counters {
  return Object.fromEntries([...counterNames, ...discardReasons].map(name => [name, 0])) as Counters
}

/** Upper bounds in ms of how late an advert came after the one before, counted from the announced interval. */
export const latenessBounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] as const

/**
 * Upper bounds of the time between two adverts, in announced intervals: twice as many as announced, in time, late, and one, two or three lost in between.
 * The same for every interval, where bounds in seconds would put all adverts of a router into one bucket.
 */
export const interarrivalBounds = [0.5, 0.9, 1.1, 1.5, 2.1, 3.1, 4.1] as const

export type Histogram = {
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
  readonly sum: number
  readonly count: number
}

/** Cumulative, as Prometheus wants it. */
export function histogram(bounds: readonly number[]): { add(value: number): void; read(): Histogram } {
  const counts = new Array<number>(bounds.length).fill(0)
  let sum = 0
  let count = 0
  return {
    add(value) {
      sum += value
      count++
      // From the widest down: most adverts are in time, but those that are late end early.
      for (let i = bounds.length - 1; i >= 0 && value <= (bounds[i] ?? 0); i--) counts[i] = (counts[i] ?? 0) + 1
    },
    read: () => ({ buckets: bounds.map((le, i) => ({ le, count: counts[i] ?? 0 })), sum, count }),
  }
}
