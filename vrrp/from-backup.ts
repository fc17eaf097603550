import { chance, electionPriority, rank, rfcSkew, slot, tail } from './patience.js'
import { becomeFault, becomeInit, becomeMaster, follow, type Heard, nextLook } from './phases.js'
import type { Millis } from './ports.js'
import type { Backup, Cause, Event, Knowledge, State, Step } from './state.js'
import type { VirtualRouter } from './virtual-router.js'

/** Longer than this a director does not wait for its own table before it pre-empts. */
export const READINESS_LIMIT = 10_000

/** A packet that has reached this machine is in the socket then, if the kernel gets the processor for a moment, ms. */
const HANDED_OVER_WITHIN = 0.5

type BackupState = State & { readonly phase: Backup }

/** RFC 9568 6.4.2 */
export function fromBackup(
  router: VirtualRouter,
  state: BackupState,
  event: Event,
  before: Knowledge,
  now: Millis,
): Step {
  const { phase, knowledge } = state
  switch (event.type) {
    case 'tick':
      return tick(router, state, now)
    case 'advert':
      return event.priority === 0 ? farewell(router, state, event.from, now) : heard(router, state, event, now)
    case 'standing':
      if (knowledge.faults.length > 0) return becomeFault(router, state, 'fault')
      return [shifted(router, state, before, now), []]
    case 'peers':
      return [shifted(router, state, before, now), []]
    case 'reconfigured':
      return reconfigured(router, state, event.before.advertInterval, now)
    case 'failover':
      return [shifted(router, state, before, now), []]
    case 'give-back':
      return giveBack(router, state, before, now)
    case 'group':
      return event.to === 'master' && phase.wants ? becomeMaster(router, state, cause(phase, now), now) : [state, []]
    case 'shutdown':
      return becomeInit(router, state, event.how === 'restart' ? 'restart' : 'shutdown')
    case 'startup':
    case 'ready':
    case 'claimed':
    case 'claim-refused':
    case 'vip-lost':
    case 'send-failed':
      return [state, []]
  }
}

/**
 * A look, or the deadline. Who comes an interval late or more stood still, and what stopped it may have stopped the master
 * as well (machines of one host, a suspended pair). The master then listens for an interval and a slot before it goes on,
 * and is not to lose to its own backup: once it gets the time for that.
 */
function tick(router: VirtualRouter, state: BackupState, now: Millis): Step {
  const { phase, knowledge } = state
  const wanted = nextLook(phase)
  if (now < wanted) return [state, []]
  const late = now - wanted
  const { lookAt: _, ...awake } = phase
  if (!phase.rearmed && late >= phase.masterInterval) {
    const deadline = Math.max(phase.deadline, now + chance(router, knowledge, phase, now))
    return [
      { ...state, phase: { ...awake, rearmed: true, deadline } },
      [{ type: 'notice', notice: { what: 'stalled', late } }],
    ]
  }
  if (now >= phase.deadline) return silence(router, { ...state, phase: awake }, now)
  const lookAt = now + phase.masterInterval
  return [{ ...state, phase: lookAt < phase.deadline ? { ...awake, lookAt } : awake }, []]
}

/** The deadline has passed. */
function silence(router: VirtualRouter, state: BackupState, now: Millis): Step {
  const { phase } = state
  const late = now - phase.deadline
  // This late, adverts may still wait to be read: our own stall is not the master's silence. Once only, and no longer
  // than it takes to read them.
  if (!phase.rearmed && late > slot(phase.masterInterval)) {
    const deadline = now + respite(router, state, now)
    return [
      { ...state, phase: { ...phase, rearmed: true, deadline } },
      [{ type: 'notice', notice: { what: 'stalled', late } }],
    ]
  }
  const why = cause(phase, now)
  const { unwitnessed } = state.knowledge
  // Only silence can mean that we are the ones who are cut off: a farewell and a lesser master's advert were heard.
  if (why === 'no-response' && unwitnessed !== undefined) {
    const later: Backup = { ...phase, deadline: now + phase.masterInterval }
    return [{ ...state, phase: later }, [{ type: 'notice', notice: { what: 'unwitnessed', why: unwitnessed } }]]
  }
  if (router.syncGroup === undefined) return becomeMaster(router, state, why, now)
  const waiting: Backup = { ...phase, wants: true, deadline: now + phase.masterInterval }
  return [{ ...state, phase: waiting }, [{ type: 'notice', notice: { what: 'wants-master' } }]]
}

/** How long a backup that woke late, but by less than an interval, waits for what it has yet to read. */
function respite(router: VirtualRouter, { phase, knowledge }: BackupState, now: Millis): Millis {
  // Nobody but the silent master can have claimed meanwhile: only what the kernel has yet to hand over counts.
  const alone = router.directors.length === 2 && rank(router, knowledge, phase.master, now) !== undefined
  return alone ? HANDED_OVER_WITHIN : slot(phase.masterInterval)
}

/** Priority 0: the master leaves. */
function farewell(router: VirtualRouter, state: BackupState, from: string, now: Millis): Step {
  const { phase, knowledge } = state
  const { master } = phase
  // An old farewell, delayed or doubled, must not end the master that we follow now.
  const other = master !== undefined && master.address !== from && now - master.heardAt < 1.5 * phase.masterInterval
  if (other) return [state, []]
  const { lookAt: _, ...waited } = phase
  const waiting = { ...waited, left: true }
  // Never later than we would have acted anyway: farewells are repeated.
  const deadline = Math.min(phase.deadline, now + tail(router, knowledge, waiting, now))
  const next: BackupState = { ...state, phase: { ...waiting, deadline } }
  return now < deadline || router.syncGroup !== undefined ? [next, []] : becomeMaster(router, next, 'master-left', now)
}

function heard(router: VirtualRouter, state: BackupState, advert: Heard, now: Millis): Step {
  const { phase, knowledge } = state
  if (advert.priority >= electionPriority(router, knowledge)) {
    const { preemptAt: _, ...following } = follow(router, state, advert, now)
    return [{ ...state, phase: following }, []]
  }
  const preemptAt = router.preempt.mode === 'delayed' ? (phase.preemptAt ?? now + router.preempt.delay) : undefined
  if (mustWait(router, knowledge, advert, preemptAt, now)) {
    const following = follow(router, state, advert, now)
    return [{ ...state, phase: preemptAt === undefined ? following : { ...following, preemptAt } }, []]
  }
  // Not followed: the timer runs on, and when it ends we take over (RFC 9568 6.4.2 (440)).
  const unmoved = preemptAt === undefined ? {} : { preemptAt }
  const next = { ...state, phase: { ...phase, ...unmoved, lesserAt: now } }
  if (lesserAlive(phase, now)) return [next, []]
  return [next, [{ type: 'notice', notice: { what: 'will-preempt', master: advert.from } }]]
}

/** Whether a lesser master is left alone for now: by configuration, by order, or because our own table is incomplete. */
function mustWait(
  router: VirtualRouter,
  knowledge: Knowledge,
  lesser: Heard,
  preemptAt: Millis | undefined,
  now: Millis,
): boolean {
  if (knowledge.behind || (router.preempt.mode === 'never' && !onOffer(router, lesser))) return true
  if (preemptAt !== undefined && now < preemptAt) return true
  return knowledge.unreadySince !== undefined && now - knowledge.unreadySince < READINESS_LIMIT
}

/** Priority 1, which nobody has in the file: a director in maintenance that is master for want of another. */
function onOffer({ directors }: VirtualRouter, { priority }: Heard): boolean {
  return priority === 1 && directors.every(director => director.priority !== 1)
}

/** What we know of our place has changed: the running timer moves by the difference. */
function shifted(router: VirtualRouter, state: BackupState, before: Knowledge, now: Millis): BackupState {
  const { phase } = state
  const delta = tail(router, state.knowledge, phase, now) - tail(router, before, phase, now)
  return delta === 0 ? state : { ...state, phase: { ...phase, deadline: phase.deadline + delta } }
}

function reconfigured(router: VirtualRouter, state: BackupState, intervalBefore: Millis, now: Millis): Step {
  const { phase, knowledge } = state
  // Version 3: the master's interval is the master's affair.
  const own = router.version === 2 || phase.master === undefined
  const masterInterval = own ? router.advertInterval : phase.masterInterval
  if (knowledge.faults.length > 0) return becomeFault(router, state, 'fault')
  const delta = own ? 3 * (router.advertInterval - intervalBefore) : 0
  const latest = now + 3 * masterInterval + rfcSkew(router, knowledge, masterInterval)
  const deadline = Math.min(latest, phase.deadline + delta)
  return [{ ...state, phase: { ...phase, masterInterval, deadline } }, []]
}

/**
 * The order to stay behind has ended: a lesser master is relieved at once, whatever `preempt` says. The end of maintenance
 * is no order to take over: where pre-emption is off, whoever serves goes on.
 */
function giveBack(router: VirtualRouter, state: BackupState, before: Knowledge, now: Millis): Step {
  const { master } = state.phase
  const lesser = master !== undefined && master.priority < electionPriority(router, state.knowledge)
  const stays = before.behind?.lasting === true && router.preempt.mode === 'never'
  if (before.behind && !stays && lesser && router.syncGroup === undefined)
    return becomeMaster(router, state, 'given-back', now)
  return [shifted(router, state, before, now), []]
}

function cause(phase: Backup, now: Millis): Cause {
  if (phase.left) return 'master-left'
  return lesserAlive(phase, now) ? 'preempted' : 'no-response'
}

function lesserAlive({ lesserAt, masterInterval }: Backup, now: Millis): boolean {
  return lesserAt !== undefined && now - lesserAt < 2 * masterInterval
}
