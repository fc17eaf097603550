import type { Clock, Dial, Millis, Stream, Target } from './ports.js'

export type WatchPorts = {
  readonly dial: Dial
  /** Most connections held at once: a quarter of the descriptors. The rest keep their intervals. */
  readonly budget: number
}

/** Held for less than this, the server is one that closes early. */
const EARLY: Millis = 10_000
const LONGEST_PAUSE: Millis = 60_000
/** The kernel asks a silent peer after this long: it may have been switched off and on between two checks. */
const KEEP_ALIVE: Millis = 15_000

/** A banner may come; who sends more than this is not to be listened to for nothing. */
const MOST_BYTES = 65_536

type Held = {
  readonly target: Target
  /** The checks that hurry when it ends. */
  readonly keys: Set<string>
  state: 'closed' | 'opening' | 'open'
  stream: Stream | undefined
  since: Millis
  /** There was no room for it when it was due. */
  lacking: boolean
  /** Not opened again before. */
  notBefore: Millis
  pause: Millis
  /** How long the last one was held: a server's idle timeout comes again at the same age. */
  lastAge: Millis
}

/**
 * Holds one idle connection to each address and port that passes its checks. When the server's process dies, the
 * kernel's FIN or RST arrives at once: that is a sign, never a verdict. Needs no timer: a passing check opens and re-opens.
 */
export function createWatch({
  clock,
  dial,
  budget: most,
  onSign,
}: WatchPorts & {
  readonly clock: Clock
  /** usual: as old as the last one was when the server closed it; one check will do. */
  readonly onSign: (keys: Iterable<string>, kind: 'sudden' | 'usual') => void
}) {
  const all = new Map<string, Held>()
  let budget = most
  let inUse = 0
  let over = 0
  let lacking = 0
  let signs = 0

  /** A check of this target passed: its connection is opened if it is due and there is room. */
  function passed(target: Target, key: string, pace: { interval: Millis; timeout: Millis }, now: Millis) {
    const held = at(target)
    held.keys.add(key)
    if (held.state === 'opening' && now - held.since > pace.timeout) close(held, now + pace.interval)
    if (held.state !== 'closed' || now < held.notBefore) return
    lack(held, inUse >= budget)
    if (held.lacking) {
      over++
      return
    }
    open(held, now)
  }

  function lack(held: Held, is: boolean) {
    if (held.lacking !== is) lacking += is ? 1 : -1
    held.lacking = is
  }

  function at(target: Target): Held {
    const id = `${target.address} ${target.port}`
    const known = all.get(id)
    if (known) return known
    const held: Held = {
      target,
      keys: new Set(),
      state: 'closed',
      stream: undefined,
      since: 0,
      lacking: false,
      notBefore: 0,
      pause: 0,
      lastAge: 0,
    }
    all.set(id, held)
    return held
  }

  function open(held: Held, now: Millis) {
    inUse++
    held.state = 'opening'
    held.since = now
    // An end that belongs to a connection given up since says nothing.
    const mine = (act: () => void) => () => {
      if (held.stream === stream) act()
    }
    let bytes = 0
    const stream = dial(
      held.target,
      {
        connected: mine(() => {
          held.state = 'open'
          held.since = clock.now()
        }),
        // Not ours to read.
        data(chunk) {
          bytes += chunk.length
          if (bytes > MOST_BYTES && held.stream === stream) close(held, clock.now() + LONGEST_PAUSE)
        },
        ended: mine(() => lost(held)),
        failed: mine(() => lost(held)),
      },
      { keepAlive: KEEP_ALIVE },
    )
    held.stream = stream
  }

  function lost(held: Held) {
    const now = clock.now()
    const age = held.state === 'open' ? now - held.since : 0
    const usual = age > 1000 && Math.abs(age - held.lastAge) < 100 + 0.02 * age
    held.lastAge = age
    held.pause = age < EARLY ? Math.min(LONGEST_PAUSE, Math.max(1000, held.pause * 2)) : 0
    signs++
    close(held, now + held.pause)
    onSign(held.keys, usual ? 'usual' : 'sudden')
  }

  function close(held: Held, notBefore: Millis) {
    if (held.state === 'closed') return
    const { stream } = held
    held.state = 'closed'
    held.stream = undefined
    held.notBefore = notBefore
    inUse--
    stream?.close('fin')
  }

  /** The check is gone or its server down: no connection on its behalf. */
  function leave(target: Target, key: string) {
    const id = `${target.address} ${target.port}`
    const held = all.get(id)
    if (!held?.keys.delete(key) || held.keys.size > 0) return
    close(held, 0)
    lack(held, false)
    all.delete(id)
  }

  return {
    passed,
    leave,
    /** Another budget from now on. Connections beyond it are closed, and come back when there is room. */
    limit(next: number) {
      budget = next
      for (const held of all.values()) {
        if (inUse <= budget) break
        if (held.state === 'closed') continue
        close(held, 0)
        lack(held, true)
      }
    },
    stop() {
      for (const held of all.values()) close(held, 0)
      all.clear()
      lacking = 0
    },
    /** over: openings left out for lack of room, since the start. lacking: targets without one for lack of room, now. */
    metrics: () => ({ held: inUse, over, signs, wanted: all.size, lacking, budget }),
  }
}
