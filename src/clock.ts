/** Structurally the Clock of vrrp/ports.ts and checkers/ports.ts. */
export type Clock = {
  now(): number
  at(deadline: number, wake: () => void): () => void
}

/** setTimeout takes a signed 32-bit number of milliseconds; longer waits are cut and armed again. */
const longestWait = 2 ** 31 - 1

/**
 * Monotonic milliseconds (performance.now()). A wake-up is judged after the poll phase (setTimeout, then setImmediate), so
 * that packets which already wait in a socket are read before a deadline is. Never early; late by the timer's whole
 * millisecond at most, as long as the loop turns.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  at(deadline, wake) {
    let timer: NodeJS.Timeout | undefined
    let immediate: NodeJS.Immediate | undefined
    arm()
    return () => {
      clearTimeout(timer)
      clearImmediate(immediate)
    }

    function arm() {
      // Rounded up: a timer counts from the loop's cached time, which lies in the past, and cuts off fractions.
      const wait = Math.ceil(deadline - performance.now())
      timer = setTimeout(
        () => {
          immediate = setImmediate(judge)
        },
        Math.min(Math.max(wait, 0), longestWait),
      )
    }

    function judge() {
      if (performance.now() < deadline) arm()
      else wake()
    }
  },
}
