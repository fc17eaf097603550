import { createMonitor, type Monitor, type MonitorPorts, type Wanted } from '../../checkers/monitor.js'
import type { Dial } from '../../checkers/ports.js'
import type { Config } from '../../config/config.js'

export type Limits = Config['checkLimits']

/**
 * The monitor within the limits of the file. New limits mean a new monitor, which begins with the verdicts of the old
 * one; every other change goes on in the same.
 */
export function createEngine(
  ports: Omit<MonitorPorts, 'maxInFlight' | 'maxPrograms' | 'watch'> & {
    readonly dial: Dial
    /** How many files this process may open. */
    readonly descriptors: number
  },
) {
  const { dial, descriptors, ...rest } = ports
  let wanted: ReadonlyMap<string, Wanted> = new Map()
  let limits: Limits = { inFlight: 512, programs: 16, watchShare: 0.25 }
  let monitor = make()

  function make(): Monitor {
    return createMonitor({
      ...rest,
      maxInFlight: limits.inFlight,
      maxPrograms: limits.programs,
      watch: { dial, budget: Math.floor(descriptors * limits.watchShare) },
    })
  }

  return {
    limit(next: Limits): void {
      if (JSON.stringify(next) === JSON.stringify(limits)) return
      limits = next
      const before = monitor
      monitor = make()
      monitor.set(
        new Map(
          [...wanted].map(([key, want]) => {
            const verdict = before.health(key)?.verdict
            return [key, verdict === 'up' || verdict === 'down' ? { ...want, provisional: verdict } : want]
          }),
        ),
      )
      before.stop()
    },
    set(next: ReadonlyMap<string, Wanted>): void {
      wanted = next
      monitor.set(next)
    },
    /** The one that runs now: never kept across a call. */
    monitor: () => monitor,
  }
}
