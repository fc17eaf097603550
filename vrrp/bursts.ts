import type { Announcer, Clock, Vip } from './ports.js'
import type { Garp } from './virtual-router.js'

export type Bursts = {
  /** The first round at once, the others of the burst in the next turns, and the second burst after its delay. */
  start(vips: readonly Vip[], garp: Garp, why: 'takeover' | 'lower-priority'): void
  stop(): void
}

/** Rounds of a burst, so far apart that a switch which is busy learning sees more than one. */
const BETWEEN_ROUNDS = 2

/** A lesser master that does not hear us makes us announce no more often than this. */
const BETWEEN_ASSERTIONS = 1000

/** Repeats announcements as configured. `sent` hears how many frames the kernel took in each round. */
export function bursts(clock: Clock, announcer: Announcer, sent: (frames: number) => void): Bursts {
  const pending = new Set<() => void>()
  let cancelRefresh: (() => void) | undefined
  let assertedAt = Number.NEGATIVE_INFINITY

  return {
    start(vips, garp, why) {
      if (vips.length === 0) return
      const lower = why === 'lower-priority'
      if (lower && clock.now() - assertedAt < BETWEEN_ASSERTIONS) return
      if (lower) assertedAt = clock.now()
      const repeat = lower ? garp.lowerPriorityRepeat : garp.repeat
      const delay = lower ? garp.lowerPriorityDelay : garp.delay
      stopBursts()
      rounds(repeat, vips, garp)
      if (delay > 0) later(clock.now() + delay, () => rounds(repeat, vips, garp))
      if (garp.refresh > 0 && !(lower && cancelRefresh)) refresh(vips, garp)
    },
    stop() {
      stopBursts()
      cancelRefresh?.()
      cancelRefresh = undefined
    },
  }

  function rounds(left: number, vips: readonly Vip[], garp: Garp) {
    if (left <= 0) return
    const { interval = 0 } = garp
    if (interval > 0) return spaced(Array.from({ length: left }, () => vips).flat(), interval)
    sent(announcer.announce(vips))
    if (left > 1) later(clock.now() + BETWEEN_ROUNDS, () => rounds(left - 1, vips, garp))
  }

  /** One VIP at a time. */
  function spaced([first, ...rest]: readonly Vip[], interval: number) {
    if (first) sent(announcer.announce([first]))
    if (rest.length > 0) later(clock.now() + interval, () => spaced(rest, interval))
  }

  function refresh(vips: readonly Vip[], garp: Garp) {
    cancelRefresh?.()
    cancelRefresh = clock.at(clock.now() + garp.refresh, () => {
      rounds(garp.refreshRepeat, vips, garp)
      refresh(vips, garp)
    })
  }

  function later(at: number, act: () => void) {
    const cancel = clock.at(at, () => {
      pending.delete(cancel)
      act()
    })
    pending.add(cancel)
  }

  function stopBursts() {
    for (const cancel of pending) cancel()
    pending.clear()
  }
}
