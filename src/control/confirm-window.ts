import type { Config } from '../../config/config.js'
import type { Event } from '../messages.js'
import type { Keep } from './keep.js'
import { type Pending, writePending } from './pending.js'
import { sameConfig } from './same-config.js'
import { event, type State } from './state.js'
import { createTimer } from './timer.js'

/** What the window needs of the control process. */
export interface ConfirmPorts {
  keep: Keep
  /** One at a time with reloads. */
  inTurn(act: () => Promise<void>): Promise<void>
  apply(config: Config): Promise<unknown>
  record(event: Event): void
}

/** `reload --confirm`: what is not confirmed in time goes back to what was confirmed last, also over a restart. */
export function createConfirmWindow(state: State, folder: string, { keep, inTurn, apply, record }: ConfirmPorts) {
  const timer = createTimer(() => void inTurn(rollBack))

  async function rollBack(): Promise<void> {
    const { confirm } = state
    // Confirmed, or given more time, while this waited for its turn.
    if (!confirm || confirm.until > Date.now()) return
    record(rolledBack('not confirmed in time: the configuration before runs again; the file differs from it'))
    await apply(confirm.before)
    state.differs = true
  }

  function write(pending: Pending | undefined): void {
    // What could not be removed is as wrong as what could not be written.
    const what = pending ? 'a restart would not roll back' : 'a restart would roll back to the configuration before'
    keep('confirm', what, () => writePending(folder, pending))
  }

  return {
    arm: () => timer.set(state.confirm?.until),
    set(confirm: State['confirm']): void {
      if (confirm !== state.confirm) write(confirm)
      state.confirm = confirm
      timer.set(confirm?.until)
    },
    /** What a reload leaves to be confirmed. It always goes back to what was confirmed last. */
    after(next: Config, ms: number | undefined): State['confirm'] {
      const same = sameConfig(next, state.config)
      if (ms === undefined) return same ? state.confirm : undefined
      const before = state.confirm?.before ?? state.config
      return sameConfig(before, next) ? undefined : { until: Date.now() + ms, before }
    },
    /** A start inside the window: nobody has confirmed, so what ran before runs. */
    started(pending: Pending | 'unreadable' | undefined): void {
      if (!pending) return
      write(undefined)
      record(rolledBack(pending === 'unreadable' ? lost : kept))
    },
  }
}

const kept = 'started before `lvskeeper confirm`: the last confirmed configuration runs; the file differs from it'
const lost =
  'started before `lvskeeper confirm`, and the last confirmed configuration is of another version: the file runs'

function rolledBack(text: string): Event {
  return event('config.rolled-back', 'alarm', 'configuration', text)
}
