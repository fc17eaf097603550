import type { Clock } from '../../checkers/ports.js'

/** Real time, judged after the poll phase, as the program's own clock does. */
export const systemClock: Clock = {
  now: () => performance.now(),
  at(deadline, wake) {
    let immediate: NodeJS.Immediate | undefined
    const timer = setTimeout(() => {
      immediate = setImmediate(wake)
    }, deadline - performance.now())
    return () => {
      clearTimeout(timer)
      clearImmediate(immediate)
    }
  },
}
