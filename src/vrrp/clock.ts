import { type Clock, systemClock } from '../clock.js'
import { timerfdClock } from '../linux/timerfd-clock.js'

/** The exact clock where the kernel gives one; Node's own timers, whole milliseconds, where it does not. `refused` hears why. */
export function exactClock(refused: (error: unknown) => void): Clock {
  try {
    return timerfdClock()
  } catch (error) {
    refused(error)
    return systemClock
  }
}
