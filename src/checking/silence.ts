import type { Outcome } from '../../checkers/ports.js'

/** Since when nothing at all comes back to each check; what it is whose answer proves the path. */
export function createSilence(now: () => number) {
  const since = new Map<string, number>()
  return {
    /** Every result of every check. A local error proves nothing, neither way. */
    heard(key: string, outcome: Outcome): void {
      if (!outcome.passed && outcome.reason === 'local-error') return
      const silent = !outcome.passed && (outcome.reason === 'timeout' || outcome.reason === 'unreachable')
      if (!silent) since.delete(key)
      else if (!since.has(key)) since.set(key, now())
    },
    /** Since when all of these checks hear nothing; undefined: one of them does, or there is none. */
    of(keys: readonly string[]): number | undefined {
      let latest: number | undefined
      for (const key of keys) {
        const one = since.get(key)
        if (one === undefined) return undefined
        if (latest === undefined || one > latest) latest = one
      }
      return latest
    },
    forget(wanted: ReadonlyMap<string, unknown>): void {
      for (const key of since.keys()) if (!wanted.has(key)) since.delete(key)
    },
    any: (): boolean => since.size > 0,
  }
}

export type Silence = ReturnType<typeof createSilence>
