import { failed } from './errors.js'
import type { Millis, Outcome, Probe } from './ports.js'
import type { PushSpec } from './spec.js'

/** What was reported through the API, by the id of the check. */
export interface Reports {
  /** The last report about this id for this target (or for every target), and its monotonic time. */
  last(id: string, address: string): { readonly at: Millis; readonly outcome: Outcome } | undefined
}

/** Passes or fails as somebody reported; silence for longer than `ttl` fails, no report yet does not count. */
export function pushProbe({ id, ttl }: PushSpec, reports: Reports, now: () => Millis): Probe {
  return async ({ address }) => {
    const report = reports.last(id, address)
    if (!report) return failed('local-error', 'SOCKERR', 'no report yet')
    const age = now() - report.at
    return age <= ttl ? report.outcome : failed('stale', 'L7TOUT', `last report ${Math.round(age)} ms ago`)
  }
}

/** Keeps the last report of each id and address; `*` stands for every address. */
export function createReports(
  now: () => Millis,
): Reports & { add(id: string, address: string, outcome: Outcome): void } {
  const all = new Map<string, { at: Millis; outcome: Outcome }>()
  return {
    add: (id, address, outcome) => void all.set(`${id} ${address}`, { at: now(), outcome }),
    last(id, address) {
      const [own, common] = [all.get(`${id} ${address}`), all.get(`${id} *`)]
      if (!own || !common) return own ?? common
      return own.at >= common.at ? own : common
    },
  }
}
