import type { Clock, Millis } from '../../vrrp/ports.js'
import { libc, must, poll } from './libc.js'

export type TimerfdClock = Clock & { close(): void }

/** timerfd_create(2): CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC */
const monotonic = 1
const flags = 0o4000 | 0o2000000

type Entry = { readonly deadline: Millis; readonly wake: () => void; cancelled: boolean }

/**
 * A clock that is exact to some ten microseconds, where setTimeout knows whole milliseconds: one timerfd, set to the earliest deadline. It becomes readable in the poll
 * phase, beside the sockets; deadlines are judged right after that phase, when what waited in the sockets has been read.
 */
export function timerfdClock(): TimerfdClock {
  const fd = must(libc.timerfdCreate(monotonic, flags), 'make a timer')
  const setting = Buffer.alloc(32)
  const watcher = poll(fd, { readable: true }, () => {
    // It stays readable until it is set again, which is before the next poll phase.
    rung = true
    immediate ??= setImmediate(judge)
  })
  watcher.unref()
  let holding = false
  /** Ascending by deadline; equal ones in the order of their calls. */
  const entries: Entry[] = []
  /** What it is set to; undefined: to nothing. */
  let armed: Millis | undefined
  let rung = false
  let immediate: NodeJS.Immediate | undefined
  let closed = false

  return {
    now: () => performance.now(),
    at(deadline, wake) {
      const entry: Entry = { deadline, wake, cancelled: false }
      entries.splice(position(deadline), 0, entry)
      arm()
      return () => {
        if (entry.cancelled) return
        entry.cancelled = true
        const index = entries.indexOf(entry)
        if (index >= 0) entries.splice(index, 1)
        arm()
      }
    },
    close() {
      if (closed) return
      closed = true
      entries.length = 0
      clearImmediate(immediate)
      watcher.close()
      libc.close(fd)
    },
  }

  function judge() {
    immediate = undefined
    const now = performance.now()
    // A wake-up may add entries that are due already: they get their own poll phase first.
    const due = entries.splice(0, position(now))
    try {
      for (const entry of due) {
        if (entry.cancelled) continue
        entry.cancelled = true
        entry.wake()
      }
    } finally {
      // One that threw ends the process or is the caller's; the others must not vanish with it.
      entries.unshift(...due.filter(entry => !entry.cancelled))
      arm()
    }
  }

  /** Behind all entries with a deadline of at most `deadline`. */
  function position(deadline: Millis): number {
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((entries[middle]?.deadline ?? 0) <= deadline) low = middle + 1
      else high = middle
    }
    return low
  }

  function arm() {
    if (closed || immediate) return
    const first = entries[0]?.deadline
    hold(first !== undefined)
    // Set too early, it rings once for nothing: cheaper than a call for each advert that puts off a deadline.
    if (!rung && (first === undefined || (armed !== undefined && armed <= first))) return
    armed = first
    rung = false
    // 0 would disarm it.
    set(first === undefined ? 0 : Math.max(1, Math.ceil((first - performance.now()) * 1e6)))
  }

  /** Whether it keeps the process from ending; each is a call out of JavaScript, and `arm` is called twice for an advert. */
  function hold(wanted: boolean) {
    if (wanted === holding) return
    holding = wanted
    if (wanted) watcher.ref()
    else watcher.unref()
  }

  /** struct itimerspec: no interval, then seconds and nanoseconds from now; 0: off. */
  function set(nanoseconds: number) {
    setting.writeBigInt64LE(BigInt(Math.floor(nanoseconds / 1e9)), 16)
    setting.writeBigInt64LE(BigInt(nanoseconds % 1e9), 24)
    must(libc.timerfdSettime(fd, 0, setting, null), 'set a timer')
  }
}
