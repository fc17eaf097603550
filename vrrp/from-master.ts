import { compareAddresses } from './address.js'
import { electionPriority, patience, rank, slot, takerPatience } from './patience.js'
import { advertised, becomeBackup, becomeFault, becomeInit, type Heard, leave, send } from './phases.js'
import type { Millis } from './ports.js'
import type { Effect, Event, Knowledge, Master, State, Step } from './state.js'
import { movingVips, type VirtualRouter } from './virtual-router.js'

type MasterState = State & { readonly phase: Master }

/** Adverts that the kernel refused in a row before a master must not call itself one. */
const MUTE = 3

/** RFC 9568 6.4.3. `ownAddress`: where our adverts come from. */
export function fromMaster(
  router: VirtualRouter,
  state: MasterState,
  event: Event,
  before: Knowledge,
  ownAddress: string,
  now: Millis,
): Step {
  const { phase, knowledge } = state
  switch (event.type) {
    case 'tick':
      return now < phase.deadline ? [state, []] : due(router, state, now)
    case 'advert':
      return heard(router, state, event, ownAddress, now)
    case 'standing':
      if (knowledge.faults.length > 0) return becomeFault(router, state, 'fault')
      if (phase.leaving || phase.listening || knowledge.priority === before.priority) return [state, []]
      return advertise(router, state, now)
    case 'claimed':
      if (phase.claimed) return [state, [{ type: 'announce', why: 'reclaimed' }]]
      return claimed(router, state, now)
    case 'claim-refused':
      return claimRefused(router, state, event.error, now)
    case 'vip-lost':
      // Who slept claims once it knows that nobody has taken over.
      return slept(router, phase, now) ? [state, []] : [state, [{ type: 'claim' }]]
    case 'send-failed':
      return event.inARow < MUTE
        ? [state, []]
        : becomeFault(router, state, 'send-failed', { at: retryAt(1, now), reason: `send: ${event.error}` })
    case 'failover':
      return startLeaving(router, state, 'behind', now)
    case 'give-back':
      return phase.leaving ? [state, []] : advertise(router, state, now)
    case 'reconfigured':
      return reconfigured(router, state, event.before, now)
    case 'group':
      // Who leaves is on the way anyway: the taker's advert ends it, router by router.
      return event.to === 'backup' && !phase.leaving ? becomeBackup(router, state, 'sync-group', now) : [state, []]
    case 'shutdown':
      return event.how === 'restart' ? restart(router, state) : startLeaving(router, state, 'end', now)
    case 'startup':
    case 'ready':
    case 'peers':
      return [state, []]
  }
}

function claimed(router: VirtualRouter, { phase, knowledge }: MasterState, now: Millis): Step {
  const after = { ...knowledge, refusals: 0 }
  if (!phase.relieving) return [{ knowledge: after, phase: { ...phase, claimed: true } }, [announce('takeover')]]
  const next = advertised(router, { claimed: true }, now)
  return [{ knowledge: after, phase: next }, [announce('takeover'), send(router, after)]]
}

/** The next advert is due, or something that we waited for did not come. */
function due(router: VirtualRouter, state: MasterState, now: Millis): Step {
  const { phase } = state
  if (phase.leaving) return leaving(router, state, phase.leaving, now)
  const late = now - phase.deadline
  // Whoever took over meanwhile is heard within an interval; until then we keep still.
  if (!phase.listening ? now - phase.lastSent >= patience(router) && late > 0 : late >= patience(router)) {
    const listening: Master = {
      ...phase,
      listening: true,
      deadline: now + router.advertInterval + slot(router.advertInterval),
    }
    return [{ ...state, phase: listening }, [{ type: 'notice', notice: { what: 'stalled', late } }]]
  }
  // The cadence is kept: a late wake-up must not put off the next adverts too, nor make the others' guard grow for nothing.
  if (!phase.listening) {
    const kept = late < router.advertInterval ? phase.deadline + router.advertInterval : undefined
    return advertise(router, state, now, kept)
  }
  // Nobody took over; the kernel may have withdrawn the VIPs, and neighbours may have forgotten us.
  const phaseAfter = advertised(router, { claimed: false }, now)
  return [{ ...state, phase: phaseAfter }, [send(router, state.knowledge), { type: 'claim' }]]
}

function heard(router: VirtualRouter, state: MasterState, advert: Heard, ownAddress: string, now: Millis): Step {
  const { phase, knowledge } = state
  if (phase.leaving) {
    if (advert.priority === 0) return [state, []]
    return yielded(router, state, advert, phase.leaving.then, now)
  }
  // We slept, another is master: it stays, unless pre-emption says otherwise later.
  const asleep = slept(router, phase, now)
  if (advert.priority === 0) return asleep ? [state, []] : advertise(router, state, now)
  if (asleep) return becomeBackup(router, state, 'stalled', now, advert)

  const own = electionPriority(router, knowledge)
  if (advert.priority > own) return becomeBackup(router, state, 'higher-priority-master', now, advert)
  if (advert.priority === own && compareAddresses(advert.from, ownAddress) > 0)
    return becomeBackup(router, state, 'higher-address-master', now, advert)
  // It is being relieved, and hears of it as soon as our VIPs are in place.
  if (phase.relieving) return [state, []]
  // The lesser master reads this and yields; who listened to it must learn our MAC again.
  const notice: Effect = {
    type: 'notice',
    notice: { what: 'two-masters', other: advert.from, priority: advert.priority },
  }
  const [next, effects] = advertise(router, state, now)
  return [next, [...effects, ...(phase.claimed ? [announce('lower-priority')] : []), notice]]
}

/** Longer than the others wait, so that one of them may be master. */
function slept(router: VirtualRouter, phase: Master, now: Millis): boolean {
  return phase.listening || now - phase.lastSent >= patience(router)
}

function advertise(router: VirtualRouter, state: MasterState, now: Millis, next?: Millis): Step {
  const phase = advertised(router, state.phase, now)
  return [
    { ...state, phase: next === undefined ? phase : { ...phase, deadline: next } },
    [send(router, state.knowledge)],
  ]
}

/**
 * Offers the mastership: priority 0, while the VIPs stay here until a taker advertises. The next master is there before
 * this one is gone. Said again in every slot where ranks hold; others begin their skew anew with each farewell
 * (RFC 9568 6.4.2), and would never come to its end.
 */
function startLeaving(router: VirtualRouter, state: MasterState, then: 'behind' | 'end', now: Millis): Step {
  const { phase, knowledge } = state
  if (then === 'end' && router.directors.length < 2) return becomeInit(router, state, 'shutdown')
  const until = now + takerPatience(router, knowledge, now)
  const next: Master = {
    ...phase,
    leaving: { until, then },
    deadline: nextFarewell(router, knowledge, until, now),
  }
  return [{ ...state, phase: next }, [leave(router)]]
}

function leaving(
  router: VirtualRouter,
  state: MasterState,
  { until, then }: NonNullable<Master['leaving']>,
  now: Millis,
): Step {
  if (now < until) {
    const deadline = nextFarewell(router, state.knowledge, until, now)
    return [{ ...state, phase: { ...state.phase, deadline } }, [leave(router)]]
  }
  if (then === 'end') return becomeInit(router, state, 'shutdown')
  // Nobody wants it: better here, against the order, than nowhere.
  const { behind: _, ...knowledge } = state.knowledge
  const taken: MasterState = { knowledge, phase: advertised(router, state.phase, now) }
  return [taken, [send(router, knowledge), { type: 'notice', notice: { what: 'no-taker' } }]]
}

function nextFarewell(router: VirtualRouter, knowledge: Knowledge, until: Millis, now: Millis): Millis {
  if (rank(router, knowledge, undefined, now) === undefined) return until
  return Math.min(until, now + slot(router.advertInterval))
}

function yielded(router: VirtualRouter, state: MasterState, advert: Heard, then: 'behind' | 'end', now: Millis): Step {
  const [next, effects] =
    then === 'behind'
      ? becomeBackup(router, state, 'handed-over', now, advert)
      : becomeInit(router, state, 'handed-over')
  // The taker needs no second farewell.
  const quiet = effects.filter(effect => effect.type !== 'send')
  return [next, [...quiet, { type: 'notice', notice: { what: 'handed-over', to: advert.from } }]]
}

/** The next process goes on; until then the others wait at a slower pace. The VIPs stay. */
function restart(router: VirtualRouter, state: MasterState): Step {
  const interval =
    router.version === 2 ? router.advertInterval : Math.max(router.restartInterval, router.advertInterval)
  const last: Effect = { type: 'send', priority: electionPriority(router, state.knowledge), interval }
  return [
    { ...state, phase: { name: 'init' } },
    [last, { type: 'transition', from: 'master', to: 'init', cause: 'restart' }],
  ]
}

/** An address that cannot be added is a fault, not a master; tried again ever more seldom, at most every 5 minutes. */
function claimRefused(router: VirtualRouter, state: MasterState, error: string, now: Millis): Step {
  const refusals = state.knowledge.refusals + 1
  const knowledge = { ...state.knowledge, refusals }
  const retry = { at: retryAt(refusals, now), reason: `claim: ${error}` }
  return becomeFault(router, { ...state, knowledge }, 'claim-refused', retry)
}

function retryAt(attempt: number, now: Millis): Millis {
  return now + Math.min(300_000, 5000 * 2 ** (attempt - 1))
}

function reconfigured(router: VirtualRouter, state: MasterState, before: VirtualRouter, now: Millis): Step {
  const { phase } = state
  if (state.knowledge.faults.length > 0) return becomeFault(router, state, 'fault')
  // The others wait three of the old intervals: the next advert is not put off.
  const deadline = Math.min(phase.deadline, now + router.advertInterval)
  return [{ ...state, phase: { ...phase, deadline } }, sameHoldings(router, before) ? [] : [{ type: 'claim' }]]
}

/** The VIPs, and what moves with them. */
function sameHoldings(router: VirtualRouter, before: VirtualRouter): boolean {
  const all = (one: VirtualRouter) =>
    [...movingVips(one), ...one.routes, ...one.rules]
      .map(each => JSON.stringify(each))
      .sort()
      .join()
  return all(router) === all(before)
}

function announce(why: 'takeover' | 'lower-priority'): Effect {
  return { type: 'announce', why }
}
