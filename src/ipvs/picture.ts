import { applyOps } from './apply.js'
import { suspects } from './drift.js'
import { type Op, plan } from './plan.js'
import type { FastTable, Kernel, Millis } from './ports.js'
import type { Table } from './table.js'

/** The quick read finds services, real servers and weights that differ; the full one everything. */
const QUICK: Millis = 1000
const FULL: Millis = 60_000

/** What we believe the kernel holds of our services, and how that belief is kept true. */
export type Picture = {
  table(): Table
  fast(): FastTable | undefined
  /** Reads what is due. Answers what somebody else did since, and whether everything was read. */
  observe(
    isOurs: (key: string) => boolean,
    named: Iterable<string>,
    now: Millis,
  ): Promise<{ theirs: Op[]; full: boolean }>
  /** Reads these services, which are ours from now on: what the kernel has of them is nobody's drift. */
  learn(keys: ReadonlySet<string>): Promise<void>
  /** Forgets what is not ours any more. */
  keep(isOurs: (key: string) => boolean): void
  applied(ops: readonly Op[]): void
  /** The kernel contradicted it: read this service, or everything, before the next plan. */
  doubt(key: string | 'everything'): void
  /** When the next quick read is due. */
  due(): Millis
}

export function picture(kernel: Kernel): Picture {
  let table: Table = new Map()
  let fast: FastTable | undefined
  let quickDue = 0
  let fullDue = 0
  let doubtful = new Set<string>()
  let everything = true
  let first = true

  return {
    table: () => table,
    fast: () => fast,
    async observe(isOurs, named, now) {
      if (now >= quickDue) {
        fast = await kernel.listFast()
        quickDue = now + QUICK
        for (const key of suspects(table, fast, named)) doubtful.add(key)
      }
      const full = everything || now >= fullDue
      if (!full && doubtful.size === 0) return { theirs: [], full }
      const which = doubtful
      const listed = await kernel.list(key => isOurs(key) && (full || which.has(key)))
      const found = new Map(full ? [] : [...table].filter(([key]) => !which.has(key)))
      for (const [key, entry] of listed) found.set(key, entry)
      const theirs = first ? [] : plan(found, table)
      table = found
      doubtful = new Set()
      first = false
      if (full) {
        everything = false
        fullDue = now + FULL
      }
      return { theirs, full }
    },
    async learn(keys) {
      const found = await kernel.list(key => keys.has(key))
      if (found.size > 0) table = new Map([...table, ...found])
    },
    keep(isOurs) {
      const mine = [...table].filter(([key]) => isOurs(key))
      if (mine.length !== table.size) table = new Map(mine)
    },
    applied(ops) {
      table = applyOps(table, ops)
    },
    doubt(key) {
      if (key === 'everything') everything = true
      else doubtful.add(key)
    },
    due: () => quickDue,
  }
}
