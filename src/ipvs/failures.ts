import { entryKey } from './entry.js'
import type { Op } from './plan.js'
import type { Millis } from './ports.js'
import { serviceKey } from './table.js'

/** What the kernel refused, and when it will be tried again. */
export type Failure = {
  readonly entry: string
  readonly op: Op
  readonly errno: string
  readonly tries: number
  readonly retryAt: Millis
}

/** Our picture of the table was wrong: looking again mends these, so the first retry is at once. */
const MISTAKEN: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'EEXIST', 'ENOBUFS'])
const FIRST: Millis = 1000
const LAST: Millis = 60_000

export type Failures = {
  /** Whether to leave this operation alone for now: it, or the service that it needs, was refused just before. */
  blocks(op: Op, now: Millis): boolean
  /** Takes the results of one pass. Answers what is new: not known to fail in this way before. */
  note(ops: readonly Op[], errors: readonly (string | undefined)[], now: Millis): Failure[]
  /** Drops what is no longer wanted or was done. Answers what had failed more than once and is well now. */
  keep(stillWanted: ReadonlySet<string>): Failure[]
  all(): readonly Failure[]
  /** When the next retry is due. */
  next(): Millis | undefined
}

/** Failed operations with a back-off each: 1 s, doubled up to a minute. */
export function failures(): Failures {
  const known = new Map<string, Failure>()

  return {
    blocks(op, now) {
      const own = known.get(entryKey(op))
      if (own && now < own.retryAt && sameWish(own.op, op)) return true
      const service = known.get(serviceKey(op.service.id))
      return service !== undefined && service.op.op === 'add-service' && now < service.retryAt && 'server' in op
    },
    note(ops, errors, now) {
      const fresh: Failure[] = []
      const refused = new Set<string>()
      ops.forEach((op, i) => {
        const entry = entryKey(op)
        const errno = errors[i]
        if (errno === undefined) return
        if (op.op === 'add-service') refused.add(entry)
        // A real server without its service: only the service's failure counts.
        else if (refused.has(serviceKey(op.service.id))) return
        const before = known.get(entry)
        const tries = (before?.tries ?? 0) + 1
        const wait = tries === 1 && MISTAKEN.has(errno) ? 0 : Math.min(LAST, FIRST * 2 ** (tries - 1))
        const failure = { entry, op, errno, tries, retryAt: now + wait }
        known.set(entry, failure)
        if (before?.errno !== errno) fresh.push(failure)
      })
      return fresh
    },
    keep(stillWanted) {
      const gone = [...known.values()].filter(({ entry }) => !stillWanted.has(entry))
      for (const { entry } of gone) known.delete(entry)
      return gone.filter(({ tries }) => tries > 1)
    },
    all: () => [...known.values()],
    next: () =>
      [...known.values()].reduce<Millis | undefined>(
        (soonest, { retryAt }) => Math.min(soonest ?? retryAt, retryAt),
        undefined,
      ),
  }
}

function sameWish(a: Op, b: Op): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
