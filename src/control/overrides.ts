import type { Override } from '../messages.js'

/** Which real server an override is about; `*` and 0 are wildcards of their own, not matches for everything. */
function identity(override: Override): string {
  return `${override.service}/${override.address}:${override.port}/${override.verb}`
}

/** How long the stamp of an ended override is remembered, so that a director that was away learns that it ended. */
const remembered = 7 * 24 * 3600_000

/** Merges stamps: of two about the same thing the newer wins. The same on every director, whatever the order. */
export function merge(ours: readonly Override[], theirs: readonly Override[]): Override[] {
  const newest = new Map<string, Override>()
  for (const override of [...ours, ...theirs]) {
    const known = newest.get(identity(override))
    if (!known || newer(override, known)) newest.set(identity(override), override)
  }
  return [...newest.values()].sort((a, b) => a.at - b.at || identity(a).localeCompare(identity(b)))
}

/** Equal stamps of two directors: an end wins over a start, else whatever sorts last, so that both decide the same. */
function newer(a: Override, b: Override): boolean {
  if (a.at !== b.at) return a.at > b.at
  if ((a.ended === true) !== (b.ended === true)) return a.ended === true
  return rest(a) > rest(b)
}

function rest({ author, weight, until, reason, deadline, activeOnly }: Override): string {
  return JSON.stringify([author, weight, until, reason, deadline, activeOnly])
}

/** Those that hold now. */
export function active(overrides: readonly Override[], now: number): Override[] {
  return overrides.filter(override => !override.ended && (override.until === undefined || override.until > now))
}

/** When the next one ends by itself. */
export function nextEnd(overrides: readonly Override[], now: number): number | undefined {
  const ends = active(overrides, now).flatMap(override => (override.until === undefined ? [] : [override.until]))
  return ends.length > 0 ? Math.min(...ends) : undefined
}

/** Forgets what ended long ago. */
export function prune(overrides: readonly Override[], now: number): Override[] {
  return overrides.filter(({ ended, until, at }) => now - (ended ? at : (until ?? now)) < remembered)
}

/** Those that hold now and fit no real server of the configuration: an edit has removed what they are about. */
export function unmatched(overrides: readonly Override[], services: readonly Pool[], now: number): Override[] {
  return active(overrides, now).filter(
    ({ service, address, port }) =>
      !services.some(
        ({ name, realServers }) =>
          (service === '*' || service === name) &&
          realServers.some(server => server.address === address && (port === 0 || server.port === port)),
      ),
  )
}

type Pool = {
  readonly name: string
  readonly realServers: readonly { readonly address: string; readonly port: number }[]
}

/** `ready`: an end stamp for each active override of this real server; an empty list when there was none. */
export function end(
  overrides: readonly Override[],
  matches: (override: Override) => boolean,
  { author, reason, at }: { readonly author: string; readonly reason?: string; readonly at: number },
): Override[] {
  return active(overrides, at)
    .filter(matches)
    .map(({ until: _, reason: __, ...override }) => ({
      ...override,
      author,
      at: Math.max(at, override.at + 1),
      ended: true,
      ...(reason ? { reason } : {}),
    }))
}
