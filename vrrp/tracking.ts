import type { Millis } from './ports.js'
import { isOwner, type Tracked, type VirtualRouter } from './virtual-router.js'

/** How long a state holds after its source has gone. */
export const HOLD = 10_000

/** The last word on one tracked thing. `unknownSince`: nothing is known any more (`state` is what was known). */
export type Sample = {
  readonly state: boolean | number | undefined
  readonly reason: string
  readonly unknownSince?: Millis
  /** An interface that was up: since when it is down. */
  readonly downSince?: Millis
}

export type Standing = {
  /** After tracking: 1..254, or 255 for the owner. */
  readonly priority: number
  /** Why this router must not be master. */
  readonly faults: readonly string[]
  readonly contributions: readonly { readonly source: string; readonly value: number; readonly reason: string }[]
  /** Why a silent master must not be replaced from here: the witness was not reached. */
  readonly unwitnessed?: string
  /** When an unknown state stops holding, or an interface has been down for long enough: look again then. */
  readonly recheckAt?: Millis
}

/**
 * Adds up what tracking says: base + contributions, clamped to 1..254; an owner's 255 never moves. The weights mean what
 * they mean in keepalived. `startedAt`: since when a thing that nothing was ever heard of is unknown.
 */
export function standing(
  router: VirtualRouter,
  samples: ReadonlyMap<string, Sample>,
  startedAt: Millis,
  now: Millis,
): Standing {
  const faults: string[] = []
  const contributions: { source: string; value: number; reason: string }[] = []
  let sum = router.priority
  let recheckAt: Millis | undefined

  if (router.track.ownInterface && samples.get(`interface ${router.interface}`)?.state === false)
    faults.push(`interface ${router.interface} is down`)

  for (const tracked of allTracked(router)) {
    let sample: Sample = samples.get(tracked.source) ?? {
      state: undefined,
      reason: 'not heard of yet',
      unknownSince: startedAt,
    }
    const bouncesUntil = sample.downSince === undefined ? undefined : sample.downSince + (tracked.debounce ?? 0)
    if (bouncesUntil !== undefined && now < bouncesUntil) {
      recheckAt = Math.min(recheckAt ?? bouncesUntil, bouncesUntil)
      sample = { state: true, reason: `down, for less than ${tracked.debounce} ms` }
    }
    const holdsUntil = sample.unknownSince === undefined ? undefined : sample.unknownSince + HOLD
    if (holdsUntil !== undefined && now < holdsUntil) recheckAt = Math.min(recheckAt ?? holdsUntil, holdsUntil)
    const lapsed = holdsUntil !== undefined && now >= holdsUntil && tracked.onUnknown === 'fail'
    const state = lapsed ? false : sample.state
    const reason = lapsed ? `unknown for ${HOLD / 1000} s` : sample.reason
    if (state === undefined) {
      contributions.push({ source: tracked.source, value: 0, reason })
      continue
    }
    const value = contributed(tracked, state)
    if (value === 'fault') faults.push(`${tracked.source}: ${reason}`)
    else {
      contributions.push({ source: tracked.source, value, reason })
      sum += value
    }
  }
  const witness = router.witness === undefined ? undefined : witnessed(router.witness, samples)
  if (witness) {
    const { source, reached, reason } = witness
    contributions.push({ source, value: 0, reason: reached ? reason : `${reason}: no takeover by silence` })
  }
  const priority = isOwner(router) ? 255 : Math.min(254, Math.max(1, sum))
  return {
    ...{ priority, faults, contributions },
    ...(recheckAt === undefined ? {} : { recheckAt }),
    ...(witness && !witness.reached ? { unwitnessed: `${witness.source}: ${witness.reason}` } : {}),
  }
}

/** What was said last holds, whoever said it and died: losing the checkers must not cost a takeover. */
function witnessed(source: string, samples: ReadonlyMap<string, Sample>) {
  const sample = samples.get(source)
  const reached = sample?.state === true
  return { source, reached, reason: sample?.state === undefined ? 'not heard of yet' : sample.reason }
}

/** Everything a router tracks besides its own interface. */
export function allTracked({ track }: VirtualRouter): readonly Tracked[] {
  const { interfaces, scripts, files, processes, virtualServers, gateway } = track
  return [...interfaces, ...scripts, ...files, ...processes, ...virtualServers, ...(gateway ? [gateway] : [])]
}

/**
 *   weight      fine              failing         a number n
 *     0         -                 fault           fault unless 0        (reverse: the other way round)
 *    > 0        + weight          -               n x weight, a fault from -254 down
 *    < 0        -                 + weight        the same              (reverse: the sign changes)
 */
function contributed({ weight, reverse }: Tracked, state: boolean | number): number | 'fault' {
  if (weight === 0) {
    const failing = typeof state === 'number' ? state !== 0 : !state
    return failing === reverse ? 0 : 'fault'
  }
  const sign = reverse ? -1 : 1
  if (typeof state === 'number') {
    const value = state * weight * sign
    return value <= -254 ? 'fault' : Math.min(253, value)
  }
  return state === weight > 0 ? weight * sign : 0
}
