import type { ServiceStatus } from '../messages.js'

/** How long changes are collected, ms. */
const pause = 50
/** How long one turn of the loop reads, and how long nothing is read after it, ms: of tens of thousands of real servers the rest follows. */
const urgent = { slice: 5, rest: 10 }
/** What only counts on, and is told again within seconds, takes a twelfth of the time at most. */
const leisurely = { slice: 2, rest: 22 }

/** Tells what changed of the virtual servers, many changes as one; of those that are as they were told before, nothing. */
export function createPublisher(
  read: (service: string) => ServiceStatus | undefined,
  send: (services: readonly ServiceStatus[], removed: readonly string[]) => void,
) {
  const changed = new Set<string>()
  const stale = new Set<string>()
  const removed: string[] = []
  const told = new Map<string, string>()
  let waiting: NodeJS.Timeout | undefined
  let hurries = false

  function flush(): void {
    const services: ServiceStatus[] = []
    const [queue, { slice, rest }] = changed.size > 0 ? [changed, urgent] : [stale, leisurely]
    const end = performance.now() + slice
    for (const name of queue) {
      changed.delete(name)
      stale.delete(name)
      const status = read(name)
      const text = status && JSON.stringify(status)
      if (!status || text === told.get(name)) continue
      told.set(name, text as string)
      services.push(status)
      if (performance.now() > end) break
    }
    if (services.length > 0 || removed.length > 0) send(services, removed.splice(0))
    hurries = changed.size > 0
    waiting = hurries || stale.size > 0 ? setTimeout(flush, rest) : undefined
  }

  function hurry(): void {
    if (waiting && hurries) return
    clearTimeout(waiting)
    hurries = true
    waiting = setTimeout(flush, pause)
  }

  return {
    /** They are read when they are sent. */
    publish(names: Iterable<string>): void {
      for (const name of names) changed.add(name)
      if (changed.size > 0) hurry()
    },
    /** The same, whenever there is time. */
    refresh(names: Iterable<string>): void {
      for (const name of names) stale.add(name)
      if (stale.size > 0) waiting ??= setTimeout(flush, pause)
    },
    removed(name: string): void {
      told.delete(name)
      removed.push(name)
      hurry()
    },
    /** Who listens has heard nothing yet. */
    again: () => told.clear(),
  }
}
