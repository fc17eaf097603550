import type { RouterNumbers, RouterStatus } from '../messages.js'

export type StatusNews = {
  readonly routers: readonly RouterStatus[]
  readonly numbers: readonly RouterNumbers[]
}

/**
 * What has to be told of the routers' statuses to somebody who has heard all that was told before. Whole ones of 255 routers are 350 KB every two seconds,
 * of which nearly nothing has changed.
 */
export function statusNews() {
  let told = new Map<string, RouterStatus>()
  let found = nothing()

  return {
    /** One more router as it is now. */
    look(status: RouterStatus): void {
      const before = told.get(status.name)
      if (!before || !sameButNumbers(before, status)) found.routers.push(status)
      else {
        const changed = numbersOf(before, status)
        if (changed) found.numbers.push(changed)
      }
      found.seen.set(status.name, status)
    },
    /** All have been looked at: what is to be told. A router that was not among them is no more. */
    take(): StatusNews {
      const { routers, numbers, seen } = found
      told = seen
      found = nothing()
      return { routers, numbers }
    },
    /** Whoever listens now has heard nothing, nor does he understand the numbers found so far: those are looked at once more. */
    forget(): void {
      told.clear()
      found = nothing()
    },
  }
}

function nothing() {
  return { routers: [] as RouterStatus[], numbers: [] as RouterNumbers[], seen: new Map<string, RouterStatus>() }
}

/** The status after `numbers` were told. */
export function withNumbers(before: RouterStatus, numbers: RouterNumbers): RouterStatus {
  return { ...before, ...numbers, counters: { ...before.counters, ...numbers.counters } }
}

/** Key by key, without making anything: 255 routers are compared every two seconds in the process that sends the adverts. */
function sameButNumbers(a: RouterStatus, b: RouterStatus): boolean {
  const keys = Object.keys(a) as (keyof RouterStatus)[]
  if (keys.length !== Object.keys(b).length) return false
  return keys.every(key => key in b && (numeric.has(key) || same(a[key], b[key])))
}

const numeric: ReadonlySet<string> = new Set<keyof RouterNumbers>([
  'lastAdvert',
  'counters',
  'lateness',
  'interarrival',
  'senders',
])

/** Both are data: nothing else is in a status. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => same(item, b[at]))
  const keys = Object.keys(a)
  if (Array.isArray(b) || keys.length !== Object.keys(b).length) return false
  return keys.every(key => key in b && same(a[key as keyof typeof a], b[key as keyof typeof b]))
}

function numbersOf(before: RouterStatus, after: RouterStatus): RouterNumbers | undefined {
  const counters = changed(before.counters, after.counters)
  const { name, lastAdvert, lateness, interarrival, senders } = after
  const advert = lastAdvert !== undefined && lastAdvert !== before.lastAdvert
  const late = lateness !== undefined && lateness.count !== before.lateness?.count
  const between = interarrival !== undefined && interarrival.count !== before.interarrival?.count
  const heard = senders !== undefined && !same(senders, before.senders)
  if (!advert && !late && !between && !heard && !counters) return undefined
  return {
    name,
    ...(advert ? { lastAdvert } : {}),
    ...(counters ? { counters } : {}),
    ...(late ? { lateness } : {}),
    ...(between ? { interarrival } : {}),
    ...(heard ? { senders } : {}),
  }
}

function changed(
  before: RouterStatus['counters'],
  after: RouterStatus['counters'],
): Record<string, number> | undefined {
  let found: Record<string, number> | undefined
  for (const name of Object.keys(after)) {
    const value = after[name]
    if (value === undefined || before[name] === value) continue
    found ??= {}
    found[name] = value
  }
  return found
}
