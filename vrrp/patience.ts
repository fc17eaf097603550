import { compareAddresses } from './address.js'
import { guard, LEAST } from './lateness.js'
import type { Millis } from './ports.js'
import type { Backup, HeardMaster, Knowledge } from './state.js'
import { isOwner, type VirtualRouter } from './virtual-router.js'

/** A router that is none of ours may be a silent backup for long after it was heard. */
export const STRANGER_REMEMBERED = 3_600_000

/**
 * How long the other directors wait, at least, after an advert that announced `interval`. Who was silent for longer must
 * assume that another has taken over.
 */
export function patience(router: VirtualRouter, interval: Millis = router.advertInterval): Millis {
  return 3 * (router.version === 2 ? router.advertInterval : interval)
}

/** How long they wait after the last advert before a restart: it announces `restartInterval`, unless that is shorter. */
export function restartPatience(router: VirtualRouter): Millis {
  return patience(router, Math.max(router.restartInterval, router.advertInterval))
}

/** The priority that goes out and that is compared. */
export function electionPriority(router: VirtualRouter, { behind, priority }: Knowledge): number {
  if (behind) return 1
  return isOwner(router) ? 255 : priority
}

/** How long a backup waits for the master's next advert: Master_Down_Interval of RFC 9568 6.1, with our tail. */
export function downInterval(router: VirtualRouter, knowledge: Knowledge, backup: Waiting, now: Millis): Millis {
  return 3 * backup.masterInterval + tail(router, knowledge, backup, now)
}

export type Waiting = Pick<Backup, 'master' | 'masterInterval' | 'left'>

/**
 * What follows the three intervals and sets the order among the backups. Where all others are known to run lvskeeper with
 * our configuration: a guard for late adverts and a slot for each director that may be better. Else the RFC's skew.
 */
export function tail(router: VirtualRouter, knowledge: Knowledge, backup: Waiting, now: Millis): Millis {
  const place = rank(router, knowledge, backup.master, now)
  const skew = rfcSkew(router, knowledge, backup.masterInterval)
  if (place === undefined) return skew
  const late = backup.left ? 0 : guard(backup.master?.lateness, skew, backup.masterInterval)
  return late + place * slot(backup.masterInterval)
}

/**
 * What a backup that stood still gives its master, which may have stood still as well: the interval and the slot for which
 * that one listens, and nearly as much for waking later than we. Then the order among the backups, as ever.
 */
export function chance(router: VirtualRouter, knowledge: Knowledge, backup: Waiting, now: Millis): Millis {
  return 2 * backup.masterInterval + tail(router, knowledge, backup, now)
}

/** RFC 9568 6.1, and RFC 3768 6.1 where it is always of seconds. */
export function rfcSkew(router: VirtualRouter, knowledge: Knowledge, masterInterval: Millis): Millis {
  const unit = router.version === 2 ? 1000 : masterInterval
  return ((256 - electionPriority(router, knowledge)) * unit) / 256
}

/** Time enough for one advert to be sent and read before the next director in line would act. */
export function slot(interval: Millis): Millis {
  return Math.max(LEAST, interval / 10)
}

/**
 * How many directors may be better than this one, the silent master left out; undefined: somebody takes part of whom we
 * do not know that he obeys ranks.
 */
export function rank(
  router: VirtualRouter,
  knowledge: Knowledge,
  silent: HeardMaster | undefined,
  now: Millis,
): number | undefined {
  const { strangerAt, peers } = knowledge
  if (strangerAt !== undefined && now - strangerAt < STRANGER_REMEMBERED) return undefined
  const own = electionPriority(router, knowledge)
  const ownAddress = addressOf(router, router.director)
  let better = 0
  let found = silent === undefined
  for (const director of router.directors) {
    if (director.name === router.director) continue
    const view = peers.get(director.name)
    if (!view?.sameConfig) return undefined
    if (silent && (director.addresses.includes(silent.address) || view.sources?.includes(silent.address))) {
      found = true
      continue
    }
    const priority = view.priority ?? director.priority
    const address = addressOf(router, director.name)
    // Without addresses of this family in the file the names decide: any order will do, if it is everybody's.
    const higher = address && ownAddress ? compareAddresses(address, ownAddress) > 0 : director.name > router.director
    if (priority > own || (priority === own && higher)) better++
  }
  // It is one of them, if we cannot tell which (IPv6 link-local): whoever was better than us counts as the silent one.
  return !found && silent && silent.priority >= own ? Math.max(0, better - 1) : better
}

/** Whether adverts from this address come from a configured director, as far as can be told. */
export function isKnown(router: VirtualRouter, { peers, linkLocals }: Knowledge, address: string): boolean {
  if (linkLocals.has(address) && linkLocals.size < router.directors.length) return true
  return router.directors.some(
    ({ name, addresses }) => addresses.includes(address) || peers.get(name)?.sources?.includes(address),
  )
}

/**
 * How long somebody who was told that we leave may take to advertise: three slots and, where ranks do not hold, the
 * longest skew. At least 30 ms: we hold the VIPs meanwhile, so that waiting costs nobody anything. A sync group takes over
 * when the last of its members may, and ranks need not hold for all of them.
 */
export function takerPatience(router: VirtualRouter, knowledge: Knowledge, now: Millis): Millis {
  const skew = router.version === 2 ? 1000 : router.advertInterval
  const others = router.directors.length - 1
  const ranks = router.syncGroup === undefined && rank(router, knowledge, undefined, now) !== undefined
  return Math.max(30, 3 * slot(router.advertInterval)) + (ranks ? others * slot(router.advertInterval) : skew)
}

function addressOf(router: VirtualRouter, name: string): string | undefined {
  const separator = router.family === 4 ? '.' : ':'
  return router.directors.find(director => director.name === name)?.addresses.find(one => one.includes(separator))
}
