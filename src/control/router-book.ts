import type { ToControl } from '../messages.js'
import { withNumbers } from '../vrrp/status-news.js'
import type { State } from './state.js'

/** A spare vrrp process has said what it is master of by then, ms. */
const spareLimit = 300

export interface RouterBookPorts {
  /** Asks vrrp to tell everything once more. */
  introduce(): void
  /** What the other directors are told has changed. */
  changed(): void
}

/** What vrrp has said of its routers, and what becomes of that when it dies. */
export function createRouterBook(state: Pick<State, 'routers' | 'config'>, { introduce, changed }: RouterBookPorts) {
  let gone: NodeJS.Timeout | undefined
  let forgotten = false

  /** No spare has gone on: what the dead process said last is true no more. */
  function forget(): void {
    forgotten = true
    const faults = ['the vrrp process is dead']
    for (const [name, router] of state.routers) {
      const { master: _, ...rest } = router
      state.routers.set(name, { ...rest, state: 'fault', cause: 'process-died', since: Date.now(), faults })
    }
    changed()
  }

  return {
    heard({ routers, numbers }: Pick<Extract<ToControl, { type: 'router-status' }>, 'routers' | 'numbers'>): void {
      clearTimeout(gone)
      // What it tells are differences to what it told before; that was given up.
      if (forgotten) introduce()
      forgotten = false
      for (const router of routers) state.routers.set(router.name, router)
      for (const each of numbers) {
        const known = state.routers.get(each.name)
        if (known) state.routers.set(each.name, withNumbers(known, each))
      }
      for (const name of state.routers.keys())
        if (!state.config.routers.some(router => router.name === name)) state.routers.delete(name)
      changed()
    },
    /** The vrrp process has died: its spare, which may die as well, tells what it is master of, or nobody does. */
    died(): void {
      clearTimeout(gone)
      gone = setTimeout(forget, spareLimit)
    },
  }
}
