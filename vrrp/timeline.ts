import type { Epoch, Moment, Note, Transition } from './note.js'
import type { Millis } from './ports.js'
import type { Cause, StateName } from './state.js'

type Facts = Omit<Transition, 'timeline' | 'at' | 'from' | 'to' | 'cause'>

/** Collects what happened when around the last transition, and tells it once it is complete. */
export function timeline(notify: (note: Note) => void) {
  let open: { facts: Omit<Transition, 'timeline'>; at: Millis; moments: { at: Millis; what: string }[] } | undefined
  let told: Transition | undefined

  return {
    /** A transition at `now`; `before`: what led to it (monotonic times). */
    begin(
      from: StateName,
      to: StateName,
      cause: Cause,
      facts: Facts,
      now: Millis,
      epoch: Epoch,
      before: readonly { at: Millis; what: string }[],
    ) {
      flush()
      open = { facts: { ...facts, from, to, cause, at: epoch }, at: now, moments: [...before] }
      if (to !== 'master') flush()
    },
    mark(what: string, now: Millis) {
      if (open && !open.moments.some(moment => moment.what === what)) open.moments.push({ at: now, what })
    },
    flush,
    /** Of the last transition, finished or not. */
    moments: (): readonly Moment[] => (open ? built(open) : (told?.timeline ?? [])),
  }

  function flush() {
    if (!open) return
    told = { ...open.facts, timeline: built(open) }
    open = undefined
    notify({ type: 'transition', ...told })
  }

  function built({ facts, at, moments }: NonNullable<typeof open>): readonly Moment[] {
    return moments.map(moment => ({
      at: facts.at + Math.round(moment.at - at),
      offset: Math.round((moment.at - at) * 1000) / 1000,
      what: moment.what,
    }))
  }
}
