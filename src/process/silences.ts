import type { Role, ToControl } from '../messages.js'
import type { Child } from './child.js'

/**
 * A process that says nothing for this long is told of, ms. On a busy machine checkers takes two seconds and a half to change the checks of
 * all of 36,000 real servers, and control may read their file for as long.
 */
const silentAfter: Readonly<Record<Role, number>> = { vrrp: 2_000, checkers: 2_500, control: 5_000 }
/** What has just started has much to do at once, ms. */
const settled = 5_000

type Told = Extract<ToControl, { type: 'child' }>

/**
 * Tells which processes do not answer, long before they are taken for hung, and when they do again. Monotonic times are ms.
 * @param tell is called once for each silence and once for its end
 */
export function createSilences(tell: (message: Told) => void, wall: () => number = Date.now) {
  /** Those that are silent: their last word, and when it was missed first. */
  const silent = new Map<Child, { readonly word: number; readonly from: number }>()

  function say(child: Child, state: 'silent' | 'answers', at: number, more: Partial<Told> = {}): void {
    tell({ type: 'child', role: child.role, state, pid: child.pid, at, ...more })
  }

  return {
    /** `lastAlive` is excused where this process itself was late; only a word ends a silence. */
    look(child: Child, now: number): void {
      const since = silent.get(child)
      if (since) {
        if (child.lastWord === since.word) return
        silent.delete(child)
        say(child, 'answers', wall(), { silence: Math.round(child.lastWord - since.from) })
      } else if (now - child.startedAt > settled && now - child.lastAlive > silentAfter[child.role]) {
        silent.set(child, { word: child.lastWord, from: child.lastAlive })
        say(child, 'silent', Math.round(wall() - (now - child.lastAlive)))
      }
    },
    /** It is over with it. */
    forget(child: Child): void {
      silent.delete(child)
    },
  }
}
