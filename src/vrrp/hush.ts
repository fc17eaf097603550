import type { Clock } from '../../vrrp/ports.js'

/** Lets what can wait happen later, all in its order. */
export type Hush = {
  /** From now on what can wait waits; a pause that has begun is not prolonged. */
  begin(): void
  /** At once, or when the pause is over. */
  later(act: () => void): void
  /** Ends a pause. */
  end(): void
}

/**
 * A takeover is told to people when clients are served again: whoever hears of it (events, alerts, status, other directors) takes
 * time of the processor that the first packets need.
 */
export function createHush(clock: Clock, pause: number): Hush {
  let waiting: (() => void)[] | undefined
  let cancel = () => {}

  return {
    begin() {
      if (waiting) return
      waiting = []
      cancel = clock.at(clock.now() + pause, end)
    },
    later(act) {
      if (waiting) waiting.push(act)
      else act()
    },
    end,
  }

  function end() {
    cancel()
    const acts = waiting ?? []
    waiting = undefined
    for (const act of acts) act()
  }
}
