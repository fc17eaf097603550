import type { ServiceStatus } from '../messages.js'

/** How long changes are collected, ms. */
const pause = 50

/** Tells what changed of the virtual servers, many changes as one. */
export function createPublisher(
  read: (service: string) => ServiceStatus | undefined,
  send: (services: readonly ServiceStatus[], removed: readonly string[]) => void,
) {
  const changed = new Set<string>()
  const removed: string[] = []
  let waiting = false

  function flush(): void {
    waiting = false
    const services = [...changed].flatMap(name => read(name) ?? [])
    changed.clear()
    send(services, removed.splice(0))
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
    removed: (name: string) => void removed.push(name),
  }
}
