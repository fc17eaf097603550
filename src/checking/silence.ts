import type { Outcome } from '../../checkers/ports.js'

/** Since when nothing at all comes back to each check; what it is whose answer proves the path. */
export function createSilence(now: () => number) {
  const since = new Map<string, number>()
  let changes = 0
  return {
    /** Every result of every check. A local error proves nothing, neither way. */
    heard(key: string, outcome: Outcome): void {
      if (!outcome.passed && outcome.reason === 'local-error') return
      const silent = !outcome.passed && (outcome.reason === 'timeout' || outcome.reason === 'unreachable')
      if (silent === since.has(key)) return
      changes++
      if (silent) since.set(key, now())
      else since.delete(key)
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
    /** Checks that are no more. */
    forget(gone: Iterable<string>): void {
      for (const key of gone) if (since.delete(key)) changes++
    },
    /** Grows with each check that falls silent or is heard again. */
    changes: (): number => changes,
  }
}

export type Silence = ReturnType<typeof createSilence>
