import { type Lateness, remember, unknownLateness } from './lateness.js'
import { chance, downInterval, electionPriority, slot } from './patience.js'
import type { Millis } from './ports.js'
import type { Backup, Cause, Effect, HeardMaster, Knowledge, Master, Phase, Retry, State, Step } from './state.js'
import type { VirtualRouter } from './virtual-router.js'

/** The one way into each phase: each builds the whole phase, and says what has to be done on leaving the old one. */

/**
 * Where no master is alive the advert goes first: whoever still thinks otherwise must let go of the VIPs before our
 * announcement reaches the segment (it follows when the kernel has them, event `claimed`). A live lesser master is
 * relieved the other way round, VIPs and announcement before the advert: it serves until ours are in place, so that no
 * packet finds nobody, and a director whose kernel refuses the VIPs deposes nobody.
 */
export function becomeMaster(router: VirtualRouter, state: State, cause: Cause, now: Millis): Step {
  // Nobody better is left to stay behind of.
  const { behind, ...rest } = state.knowledge
  const knowledge: Knowledge = behind?.lasting ? state.knowledge : rest
  const phase = advertised(router, { claimed: false }, now)
  if (cause === 'preempted' || cause === 'given-back') {
    const relieving: Master = { ...phase, relieving: true }
    return [{ phase: relieving, knowledge }, [{ type: 'claim' }, transition(state.phase, relieving, cause)]]
  }
  return [{ phase, knowledge }, [send(router, knowledge), { type: 'claim' }, transition(state.phase, phase, cause)]]
}

/** `heard`: the advert that makes us follow its sender; without it we wait as at the start. */
export function becomeBackup(router: VirtualRouter, state: State, cause: Cause, now: Millis, heard?: Heard): Step {
  const phase = heard ? follow(router, state, heard, now) : listenAfresh(router, state.knowledge, now)
  return [{ ...state, phase }, [...letGo(state.phase), transition(state.phase, phase, cause)]]
}

/** A master says that it leaves, so that the others need not wait for their timers. */
export function becomeFault(router: VirtualRouter, state: State, cause: Cause, retry?: Retry): Step {
  const phase: Phase = retry ? { name: 'fault', retry, deadline: retry.at } : { name: 'fault' }
  const farewell = state.phase.name === 'master' ? [leave(router)] : []
  return [{ ...state, phase }, [...farewell, ...letGo(state.phase), transition(state.phase, phase, cause)]]
}

export function becomeInit(router: VirtualRouter, state: State, cause: Cause): Step {
  const phase: Phase = { name: 'init' }
  const farewell = state.phase.name === 'master' ? [leave(router)] : []
  return [{ ...state, phase }, [...farewell, ...letGo(state.phase), transition(state.phase, phase, cause)]]
}

/** `waited`: how long the advert lay in the socket before it was read. */
export type Heard = {
  readonly priority: number
  readonly interval: Millis
  readonly from: string
  readonly waited?: Millis
}

/** An advert that waited for so many intervals was read by somebody who missed a look (half an interval after one that is missing) by an interval. */
const LONG = 2.5

/** The phase of a backup that has just heard its master: a whole new down interval. */
export function follow(router: VirtualRouter, state: State, heard: Heard, now: Millis): Backup {
  const before = state.phase.name === 'backup' ? state.phase : undefined
  const masterInterval = router.version === 2 ? router.advertInterval : heard.interval
  // What we read late was not sent late; but if we were that slow, more may wait to be read.
  const { waited = 0 } = heard
  const heardAt = now - waited
  const { from: address, priority } = heard
  const master: HeardMaster = { address, priority, heardAt, lateness: lateness(before, heard, heardAt) }
  const waiting = { master, masterInterval, left: false }
  const { knowledge } = state
  const atLeast = waited < LONG * masterInterval ? masterInterval : chance(router, knowledge, waiting, now)
  const due = heardAt + downInterval(router, knowledge, waiting, now)
  const deadline = waited > slot(masterInterval) ? Math.max(now + atLeast, due) : Math.max(now, due)
  const lookAt = Math.max(now + masterInterval, heardAt + 1.5 * masterInterval)
  const preemptAt = before?.preemptAt === undefined ? {} : { preemptAt: before.preemptAt }
  return { name: 'backup', ...waiting, ...preemptAt, lookAt, deadline, rearmed: false, wants: false }
}

/** When a backup wants to be awake next. */
export function nextLook({ lookAt, deadline }: Backup): Millis {
  return lookAt === undefined ? deadline : Math.min(lookAt, deadline)
}

/** The master phase right after an advert went out. */
export function advertised(router: VirtualRouter, { claimed }: Pick<Master, 'claimed'>, now: Millis): Master {
  return { name: 'master', deadline: now + router.advertInterval, lastSent: now, claimed, listening: false }
}

export function send(router: VirtualRouter, knowledge: Knowledge): Effect {
  return { type: 'send', priority: electionPriority(router, knowledge), interval: router.advertInterval }
}

/** Priority 0 (RFC 9568 5.2.4). */
export function leave(router: VirtualRouter): Effect {
  return { type: 'send', priority: 0, interval: router.advertInterval }
}

function listenAfresh(router: VirtualRouter, knowledge: Knowledge, now: Millis): Backup {
  const waiting = { masterInterval: router.advertInterval, left: false }
  const deadline = now + downInterval(router, knowledge, waiting, now)
  return { name: 'backup', ...waiting, deadline, rearmed: false, wants: false }
}

function letGo(phase: Phase): readonly Effect[] {
  return phase.name === 'master' ? [{ type: 'release' }] : []
}

function transition(from: Phase, to: Phase, cause: Cause): Effect {
  return { type: 'transition', from: from.name, to: to.name, cause }
}

function lateness(before: Backup | undefined, heard: Heard, heardAt: Millis): Lateness {
  const last = before?.master
  if (!before || last?.address !== heard.from) return unknownLateness
  return remember(last.lateness, heardAt - last.heardAt, before.masterInterval, heardAt)
}
