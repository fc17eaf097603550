import { fromBackup } from './from-backup.js'
import { fromMaster } from './from-master.js'
import { isKnown, patience, STRANGER_REMEMBERED } from './patience.js'
import { becomeBackup, becomeFault, becomeMaster, nextLook } from './phases.js'
import type { Millis } from './ports.js'
import type { Event, Knowledge, PeerView, Resume, State, Step } from './state.js'
import { isOwner, type VirtualRouter } from './virtual-router.js'

/** A router before `startup`: nothing is known of tracking, the peers or the own table. */
export function initialState(router: VirtualRouter, now: Millis): State {
  const knowledge: Knowledge = {
    priority: router.priority,
    faults: [],
    unreadySince: now,
    peers: new Map(),
    linkLocals: new Map(),
    refusals: 0,
  }
  return { phase: { name: 'init' }, knowledge }
}

/**
 * The protocol as a function: what a virtual router becomes and does when something happens. Effects are to be carried
 * out in their order. `ownAddress` is where our adverts come from; it breaks ties between equal priorities.
 */
export function step(router: VirtualRouter, state: State, event: Event, now: Millis, ownAddress: string): Step {
  const knowledge = learn(router, state.knowledge, event, now)
  const learned: State = knowledge === state.knowledge ? state : { ...state, knowledge }
  const [next, effects] = move(router, learned, event, state.knowledge, now, ownAddress)
  if (event.type !== 'advert' || knowledge.strangerAt === state.knowledge.strangerAt) return [next, effects]
  if (state.knowledge.strangerAt !== undefined) return [next, effects]
  return [next, [...effects, { type: 'notice', notice: { what: 'stranger', address: event.from } }]]
}

/** When `step` wants a `tick`; undefined: only if something else happens. */
export function wakeAt({ phase }: State): Millis | undefined {
  return phase.name === 'backup' ? nextLook(phase) : deadline({ phase })
}

/** When the phase ends if nothing happens. */
export function deadline({ phase }: Pick<State, 'phase'>): Millis | undefined {
  return 'deadline' in phase ? phase.deadline : undefined
}

function move(router: VirtualRouter, state: State, event: Event, before: Knowledge, now: Millis, own: string): Step {
  const { phase } = state
  switch (phase.name) {
    case 'init':
      return event.type === 'startup' ? startup(router, state, event.resume, now) : [state, []]
    case 'backup':
      return fromBackup(router, { ...state, phase }, event, before, now)
    case 'master':
      return fromMaster(router, { ...state, phase }, event, before, own, now)
    case 'fault':
      return fromFault(router, state, event, now)
  }
}

/** RFC 9568 6.4.1, and the process that follows one which was master a moment ago. */
function startup(router: VirtualRouter, state: State, resume: Resume | undefined, now: Millis): Step {
  if (state.knowledge.faults.length > 0) return becomeFault(router, state, 'startup')
  // Longer than the others wait: one of them may be master.
  if (resume && resume.silence < (resume.patience ?? patience(router)))
    return becomeMaster(router, state, 'resumed', now)
  return isOwner(router) && !state.knowledge.behind
    ? becomeMaster(router, state, 'owner', now)
    : becomeBackup(router, state, 'startup', now)
}

function fromFault(router: VirtualRouter, state: State, event: Event, now: Millis): Step {
  const { phase, knowledge } = state
  if (phase.name !== 'fault') return [state, []]
  if (event.type === 'shutdown') {
    const cause = event.how === 'restart' ? 'restart' : 'shutdown'
    return [{ ...state, phase: { name: 'init' } }, [{ type: 'transition', from: 'fault', to: 'init', cause }]]
  }
  const retried = phase.retry === undefined || now >= phase.retry.at
  if (knowledge.faults.length > 0 || !retried) return [state, []]
  return becomeBackup(router, state, 'fault-cleared', now)
}

/** Facts that hold in every phase. */
function learn(router: VirtualRouter, knowledge: Knowledge, event: Event, now: Millis): Knowledge {
  switch (event.type) {
    case 'standing': {
      const { unwitnessed: _, ...rest } = knowledge
      const { priority, faults, unwitnessed } = event
      return { ...rest, priority, faults, ...(unwitnessed === undefined ? {} : { unwitnessed }) }
    }
    case 'ready':
      // Said again, it means that the table is still getting on: the limit counts from the last time.
      return { ...knowledge, unreadySince: event.ready ? undefined : now }
    case 'peers':
      return introduced(knowledge, new Map(event.peers.map((view): [string, PeerView] => [view.director, view])))
    case 'advert':
      return heardFrom(router, knowledge, event.from, now)
    case 'failover':
      return { ...knowledge, behind: event.behind }
    case 'give-back': {
      const { behind: _, ...rest } = knowledge
      return rest
    }
    default:
      return knowledge
  }
}

/** Adverts come sooner than the peer channel: a stranger may turn out to be one of us. A real one is heard again. */
function introduced({ strangerAt, ...knowledge }: Knowledge, peers: Knowledge['peers']): Knowledge {
  const before = new Set([...knowledge.peers.values()].flatMap(({ sources }) => sources ?? []))
  const news = [...peers.values()].some(({ sources }) => sources?.some(source => !before.has(source)))
  return { ...knowledge, peers, ...(strangerAt === undefined || news ? {} : { strangerAt }) }
}

function heardFrom(router: VirtualRouter, before: Knowledge, from: string, now: Millis): Knowledge {
  const knowledge = from.startsWith('fe80:')
    ? { ...before, linkLocals: remember(before.linkLocals, from, now) }
    : before
  return isKnown(router, knowledge, from) ? knowledge : { ...knowledge, strangerAt: now }
}

function remember(linkLocals: Knowledge['linkLocals'], from: string, now: Millis): Knowledge['linkLocals'] {
  const recent = [...linkLocals].filter(([, at]) => now - at < STRANGER_REMEMBERED)
  // Forged sources are without number; more than fit the file is all that has to be known.
  return new Map([...recent.slice(-255), [from, now]])
}
