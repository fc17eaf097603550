import type { Event, Override } from '../messages.js'
import type { Keep } from './keep.js'
import { active, merge, nextEnd, prune, unmatched } from './overrides.js'
import { label } from './servers.js'
import { event, overridesFile, type State } from './state.js'
import { readJson, writeJson } from './state-file.js'
import { createTimer } from './timer.js'

/** What the run-time overrides need of the control process. */
export interface OverridePorts {
  keep: Keep
  record(event: Event): void
  /** Those that hold now, for the checkers. */
  tell(overrides: readonly Override[]): void
  /** The other directors shall hear of a change made here. */
  tellPeers(): void
}

/** What was kept before the start. */
export function readOverrides(folder: string): Override[] {
  const value = readJson(overridesFile(folder))
  return Array.isArray(value) ? prune(value as Override[], Date.now()) : []
}

/** The run-time overrides: merged by stamp, kept on disk, ended in time. */
export function createOverrideBook(state: State, folder: string, { keep, record, tell, tellPeers }: OverridePorts) {
  let armedFor: number | undefined
  const timer = createTimer(end)

  function arm(): void {
    armedFor = nextEnd(state.overrides, Date.now())
    timer.set(armedFor)
  }

  function end(): void {
    if (armedFor === undefined) return
    const before = active(state.overrides, armedFor - 1)
    const left = new Set(active(state.overrides, Date.now()))
    for (const override of before.filter(each => !left.has(each))) record(ended(override))
    set([], true)
  }

  /** Merges stamps; `peers`: the other directors did not tell us. */
  function set(added: readonly Override[], peers: boolean): void {
    state.overrides = prune(merge(state.overrides, added), Date.now())
    keep('overrides', 'a restart would go back to the drain, maint, weight and force kept last', () =>
      writeJson(overridesFile(folder), state.overrides),
    )
    tell(active(state.overrides, Date.now()))
    arm()
    if (peers) tellPeers()
  }

  return {
    arm,
    set,
    /** Nothing temporary lasts silently: an override whose real server has left the file is named. */
    reportUnmatched(): readonly string[] {
      // What sources name stands in no file.
      const services = state.config.services.map(({ name, realServers, sources }) => ({
        name,
        realServers:
          sources.length === 0 ? realServers : [...realServers, ...(state.services.get(name)?.realServers ?? [])],
      }))
      return unmatched(state.overrides, services, Date.now()).map(override => {
        const name = `${override.verb} of ${label(override)} by ${override.author}`
        record(
          event('override.unmatched', 'notice', `server ${label(override)}`, `${name} fits no real server any more`, {
            verb: override.verb,
            author: override.author,
          }),
        )
        return name
      })
    },
  }
}

function ended({ service, address, verb, author }: Override): Event {
  const text = `${verb} by ${author} has ended: its time is up`
  return event('override.ended', 'notice', `server ${service}/${address}`, text)
}
