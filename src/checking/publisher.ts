import type { ServiceStatus } from '../messages.js'

/** How long changes are collected, ms. */
const pause = 50
/** How long one turn of the loop reads, ms: of tens of thousands of real servers the rest follows in the next turns. */
const slice = 5

/** Tells what changed of the virtual servers, many changes as one; of those that are as they were told before, nothing. */
export function createPublisher(
  read: (service: string) => ServiceStatus | undefined,
  send: (services: readonly ServiceStatus[], removed: readonly string[]) => void,
) {
  const changed = new Set<string>()
  const removed: string[] = []
  const told = new Map<string, string>()
  let waiting = false

  function flush(): void {
    const services: ServiceStatus[] = []
    const end = performance.now() + slice
    for (const name of changed) {
      changed.delete(name)
      const status = read(name)
      const text = status && JSON.stringify(status)
      if (!status || text === told.get(name)) continue
      told.set(name, text as string)
      services.push(status)
      if (performance.now() > end) break
    }
    send(services, removed.splice(0))
    waiting = changed.size > 0
    if (waiting) setImmediate(flush)
  }

  return {
    /** They are read when they are sent. */
    publish(names: Iterable<string>): void {
      for (const name of names) changed.add(name)
      if (waiting) return
      waiting = true
      setTimeout(flush, pause)
    },
    /** Said with what is published next. */
    removed(name: string): void {
      told.delete(name)
      removed.push(name)
    },
    /** Who listens has heard nothing yet. */
    again: () => told.clear(),
  }
}
