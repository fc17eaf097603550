import { createMonitor } from '../../checkers/monitor.js'
import type { MonitorPorts, Wanted } from '../../checkers/monitor-ports.js'
import type { Dial } from '../../checkers/ports.js'
import type { Config } from '../../config/config.js'

type CheckLimits = Config['checkLimits']

/** The monitor within the limits of the file, which may change while it runs. */
export function createEngine({
  dial,
  descriptors,
  ...ports
}: Omit<MonitorPorts, 'maxInFlight' | 'maxPrograms' | 'watch'> & {
  readonly dial: Dial
  /** How many files this process may open. */
  readonly descriptors: number
}) {
  const budget = (share: number) => Math.floor(descriptors * share)
  const monitor = createMonitor({ ...ports, watch: { dial, budget: budget(0.25) } })

  return {
    limit({ inFlight, programs, watchShare }: CheckLimits): void {
      monitor.limit({ maxInFlight: inFlight, maxPrograms: programs, watchBudget: budget(watchShare) })
    },
    change: (gone: Iterable<string>, wanted: ReadonlyMap<string, Wanted>): void => monitor.change(gone, wanted),
    monitor: () => monitor,
  }
}
