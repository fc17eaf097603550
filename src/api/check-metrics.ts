import { type CheckCount, type CheckEngine, latencyBounds } from '../messages.js'
import { bare, type Exposition, labels } from './exposition.js'

/** Adds up what the checkers report in batches; written down at each scrape. */
export function createCheckMetrics() {
  const counts = new Map<string, CheckCount>()
  let engine: CheckEngine | undefined

  return {
    add(batch: readonly CheckCount[], now: CheckEngine): void {
      engine = now
      for (const one of batch) {
        const key = `${one.kind} ${one.check}`
        const known = counts.get(key)
        counts.set(key, known ? sum(known, one) : one)
      }
    },
    write(out: Exposition): void {
      for (const count of counts.values()) writeCount(count, out)
      if (engine) writeEngine(engine, out)
    },
  }
}

function sum(a: CheckCount, b: CheckCount): CheckCount {
  const failed = { ...a.failed }
  for (const [reason, count] of Object.entries(b.failed)) failed[reason] = (failed[reason] ?? 0) + count
  const buckets = a.buckets.map((count, at) => count + (b.buckets[at] ?? 0))
  return { ...a, passed: a.passed + b.passed, failed, buckets, sum: a.sum + b.sum }
}

function writeCount({ check, kind, passed, failed, buckets, sum }: CheckCount, out: Exposition): void {
  const own = labels({ check, kind })
  const help = 'Attempts by result: passed, or why they failed.'
  const results = Object.entries({ passed, ...failed })
  for (const [result, count] of results)
    out.counter('lvskeeper_check_attempts_total', help, labels({ result }, own), count)
  const name = 'lvskeeper_check_attempt_duration_seconds'
  const text = 'How long attempts took, whatever they found.'
  let below = 0
  for (const [at, bound] of latencyBounds.entries()) {
    below += buckets[at] ?? 0
    out.histogram(name, text, '_bucket', labels({ le: bound / 1_000 }, own), below)
  }
  const all = results.reduce((total, [, count]) => total + count, 0)
  out.histogram(name, text, '_bucket', labels({ le: '+Inf' }, own), all)
  out.histogram(name, text, '_sum', own, sum / 1_000)
  out.histogram(name, text, '_count', own, all)
}

function writeEngine(engine: CheckEngine, { gauge, counter }: Exposition): void {
  const { checks, inFlight, queued, lag, watched, unwatched, knockedAt, knocks } = engine
  gauge('lvskeeper_checks', 'Checks that run, shared ones once.', bare, checks)
  gauge('lvskeeper_checks_in_flight', 'Attempts under way.', bare, inFlight)
  gauge('lvskeeper_checks_queued', 'Attempts that wait for one of the places (check_limits).', bare, queued)
  gauge('lvskeeper_check_start_lag_seconds', 'How late attempts start, 99th percentile.', bare, lag / 1_000)
  gauge('lvskeeper_watch_connections', 'Idle connections that see a server die.', labels({ state: 'held' }), watched)
  gauge(
    'lvskeeper_watch_connections',
    'Idle connections that see a server die.',
    labels({ state: 'lacking' }),
    unwatched,
  )
  gauge('lvskeeper_knocked_at', 'Dead targets that are knocked at between their checks.', bare, knockedAt)
  counter('lvskeeper_knocks_total', 'Connects that only ask whether somebody listens again.', bare, knocks)
}
