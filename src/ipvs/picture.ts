import { applyOps } from './apply.js'
import { suspicion } from './drift.js'
import { sameOrder } from './order.js'
import { type Op, plan } from './plan.js'
import type { Clock, FastTable, Kernel, Millis } from './ports.js'
import { type ServiceId, serviceKey, type Table } from './table.js'

/** The quick read finds services, real servers and weights that differ. */
const QUICK: Millis = 1000
/** It is read in turns of a few ms. Only where it takes longer than a third of a second (hundreds of thousands of real servers) is it due later. */
const SHARE = 3
const LONGEST_QUICK: Millis = 10_000
/** Everything else is compared service by service, some with each quick read, all of them in this time. */
const ROUND: Millis = 60_000

type Entry = Table extends ReadonlyMap<string, infer E> ? E : never

/** What we believe the kernel holds of our services, and how that belief is kept true. */
export type Picture = {
  table(): Table
  fast(): FastTable | undefined
  /** Reads what is due of these services. Answers what somebody else did since. */
  observe(ours: ReadonlyMap<string, ServiceId>, now: Millis): Promise<Op[]>
  /** Reads these services, which are ours from now on: what the kernel has of them is nobody's drift. */
  learn(ids: readonly ServiceId[]): Promise<void>
  /** Forgets what is not ours any more. */
  keep(isOurs: (key: string) => boolean): void
  applied(ops: readonly Op[]): void
  /** These services are exactly as wanted: from now on they are the same objects, which makes comparing them cheap. */
  matches(wanted: Table, except: ReadonlySet<string>): void
  /** The kernel contradicted it: read this service, or everything, before the next plan. */
  doubt(key: string | 'everything'): void
  /** When the next quick read is due. */
  due(): Millis
  /** How long from one quick read to the next, as they go now. */
  every(): Millis
}

export function picture(kernel: Kernel, clock: Pick<Clock, 'now'>): Picture {
  const suspects = suspicion()
  let table: Table = new Map()
  let fast: FastTable | undefined
  let quickDue = 0
  let every = QUICK
  let quickDone = 0
  const doubtful = new Set<string>()
  let everything = true
  let first = true
  /** Keys still to be compared in this round. */
  let round: string[] = []

  function slice(ours: ReadonlyMap<string, ServiceId>, since: Millis): string[] {
    if (round.length === 0) round = [...ours.keys()]
    return round.splice(0, Math.ceil((ours.size * Math.min(since, LONGEST_QUICK)) / ROUND))
  }

  return {
    table: () => table,
    fast: () => fast,
    async observe(ours, now) {
      if (now >= quickDue) {
        const began = clock.now()
        fast = await kernel.listFast()
        every = Math.min(LONGEST_QUICK, Math.max(QUICK, SHARE * (clock.now() - began)))
        quickDue = now + every
        for (const key of suspects(table, fast, ours.keys())) doubtful.add(key)
        if (!everything) for (const key of slice(ours, now - quickDone)) doubtful.add(key)
        quickDone = now
      }
      const keys = everything ? [...ours.keys()] : [...doubtful].filter(key => ours.has(key))
      if (keys.length === 0) return []
      const listed = await kernel.list(keys.flatMap(key => ours.get(key) ?? []))
      let found: Map<string, Entry> | undefined
      const theirs: Op[] = []
      for (const key of keys) {
        const [before, after] = [table.get(key), listed.get(key)]
        const changes = plan(after ? new Map([[key, after]]) : new Map(), before ? new Map([[key, before]]) : new Map())
        if (changes.length === 0) continue
        if (!first) theirs.push(...changes)
        found ??= new Map(table)
        if (after) found.set(key, after)
        else found.delete(key)
      }
      // Where nothing differs it stays the same object, and who compares with it has nothing to do.
      table = found ?? table
      for (const key of keys) doubtful.delete(key)
      everything = false
      first = false
      return theirs
    },
    async learn(ids) {
      const found = await kernel.list(ids)
      if (found.size > 0) table = new Map([...table, ...found])
    },
    keep(isOurs) {
      const gone = [...table.keys()].filter(key => !isOurs(key))
      if (gone.length === 0) return
      const rest = new Map(table)
      for (const key of gone) rest.delete(key)
      table = rest
    },
    applied(ops) {
      table = applyOps(table, ops)
    },
    matches(wanted, except) {
      let same: Map<string, Entry> | undefined
      for (const [key, entry] of wanted) {
        const have = table.get(key)
        if (have === entry || except.has(key) || (have && !sameOrder(have, entry))) continue
        same ??= new Map(table)
        same.set(key, entry)
      }
      table = same ?? table
    },
    doubt(key) {
      if (key === 'everything') everything = true
      else doubtful.add(key)
    },
    due: () => quickDue,
    every: () => every,
  }
}

/** Services by key, from a table of wishes and the journal. */
export function idsOf(table: Table, more: readonly ServiceId[]): Map<string, ServiceId> {
  const ids = new Map<string, ServiceId>()
  for (const [key, { service }] of table) ids.set(key, service.id)
  for (const id of more) ids.set(serviceKey(id), id)
  return ids
}
