/**
 * Finds the virtual servers of which something may have been told that is old by now, though no verdict turned: results of checks,
 * counters of connections. `parts`: what else the status of one is made of, objects that are others when they say something else.
 */
export function createStale(parts: (service: string) => readonly unknown[]) {
  const heard = new Set<string>()
  const seen = new Map<string, readonly unknown[]>()

  return {
    /** A check has a new result. */
    heard: (check: string): void => void heard.add(check),
    /** Those of them that may say something new since this was asked last. */
    take(services: Iterable<string>, listeners: (check: string) => Iterable<string>): string[] {
      const found = new Set<string>()
      for (const check of heard) for (const service of listeners(check)) found.add(service)
      heard.clear()
      for (const service of services) {
        const now = parts(service)
        const before = seen.get(service)
        if (before?.length === now.length && now.every((part, at) => part === before[at])) continue
        seen.set(service, now)
        found.add(service)
      }
      return [...found]
    },
    forget: (service: string): void => void seen.delete(service),
  }
}
