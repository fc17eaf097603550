import { arranger } from './arrange.js'
import type { SyncRole } from './daemon.js'
import type { Context, Desired } from './desired.js'
import { entryKey } from './entry.js'
import {
  errorEvent,
  globalErrorEvents,
  journalEvent,
  recoveredEvent,
  syncedEvent,
  type TableEvent,
  unreadableEvent,
} from './events.js'
import { type Failure, failures } from './failures.js'
import { planGlobals, roleOf, type WantedGlobals } from './globals.js'
import { sameOrder } from './order.js'
import { idsOf, picture } from './picture.js'
import { type Op, plan } from './plan.js'
import type { Clock, FastTable, Journal, JournalContent, Kernel, Millis } from './ports.js'
import { repairs } from './repairs.js'
import { sameServer, sameService } from './same.js'
import { parseServiceKey, serverKey, serviceKey, type Table } from './table.js'

/** What the manager is told by its owner: pulled at each pass, so the newest always counts. */
export type Orders = {
  /** The table as it shall be now (see `desired`). */
  want(context: Context): Desired
  globals(): WantedGlobals
  drift(): 'repair' | 'report'
  onEvent(event: TableEvent): void
  /** After each pass. */
  onPass?(pass: PassReport): void
}

export type PassReport = {
  readonly desired: Desired
  readonly applied: readonly Op[]
  readonly failed: readonly Failure[]
  /** The kernel refused nothing that is wanted. */
  readonly complete: boolean
}

export type Manager = {
  /** Reads the kernel, adopts what it holds and does the first pass. Resolves when that is done or has failed. */
  start(): Promise<void>
  /** Something may have changed: look again. Cheap; calls within one turn are one pass. */
  look(): void
  /** Like look, but compares everything with the kernel first. */
  verify(): void
  /** Resolves when no pass is under way. */
  settled(): Promise<void>
  /** Resolves when a pass has carried out what is wanted now, or has failed: others may follow at once, and without end while checks turn. */
  answered(): Promise<void>
  state(): ManagerState
  /** Ends the loop. `clear` takes our services (and sync daemons) out of the kernel; else they stay and go on. */
  stop(how: { readonly clear: boolean }): Promise<void>
}

export type ManagerState = {
  readonly desired: Desired | undefined
  /** What the kernel holds of our services, as far as we know. */
  readonly actual: Table
  /** The newest quick read: weights and connections of everything, foreign services included. */
  readonly fast: FastTable | undefined
  readonly journal: JournalContent
  readonly failed: readonly Failure[]
  /** Entries that are wrong and stay so: `drift: report`, or somebody else keeps changing them. */
  readonly left: readonly string[]
  /** A first pass was done and the kernel refused nothing that is wanted. */
  readonly complete: boolean
  /** How many looks there were, and how many of them a finished pass has carried out. */
  readonly asked: number
  readonly answered: number
  /** No order of real servers is left for later, when verdicts rest. */
  readonly ordered: boolean
  /** Why connection sync does not run, where it is wanted and the kernel refuses it. */
  readonly unsynced: string | undefined
  /** How often services, real servers and weights are compared with the kernel: every second, less often where a look takes long. */
  readonly comparedEvery: Millis
}

const LONGEST_BACKOFF: Millis = 60_000
/**
 * A pass takes longer the larger the table is, whatever changed. The next one waits for so many times as long, and so little at most: a
 * start or a mass failure with thousands of verdicts takes a third of a processor, and one verdict after a while none of that time.
 */
const REST = 2
const LONGEST_REST: Millis = 100
/** How often timeouts and sync daemons are compared with the kernel. */
const GLOBALS: Millis = 10_000

/**
 * The one writer of the kernel's IPVS table. Every change is a pass; passes never overlap.
 *
 *   look ────┐
 *   1 s ─────┼─> observe -> want -> plan -> sift -> journal -> apply -> remember -> (wait)
 *   retry ───┤
 *   ramp ────┘
 *
 * Between reads it trusts its picture of the kernel; an operation that the kernel refuses makes it read again.
 */
export function manager(ports: { kernel: Kernel; clock: Clock; journal: Journal }, orders: Orders): Manager {
  const { kernel, clock } = ports
  const view = picture(kernel, clock)
  const drift = repairs()
  const refusals = failures()
  const arranged = arranger()
  let journal: JournalContent = { services: [], quiet: {}, daemons: [] }
  let journalFails = false
  let wanted: Desired | undefined
  let complete = false
  let orderLeft = false
  let unreadable = 0
  let globalsDone = ''
  let globalsDue = 0
  let unsynced: string | undefined
  const bound = new Map<SyncRole, number>()
  let cancel = () => {}
  let requested = false
  /** As in ManagerState. */
  let looks = 0
  let answered = 0
  let running: Promise<void> | undefined
  let rested = Number.NEGATIVE_INFINITY
  let awaiting: { readonly looks: number; readonly resolve: () => void }[] = []
  let stopped = false

  function request(): void {
    requested = true
    looks++
    if (stopped) return
    running ??= loop().finally(() => {
      running = undefined
      if (requested) request()
    })
  }

  async function loop(): Promise<void> {
    // A burst of verdicts in one turn is one pass.
    await new Promise(resolve => setImmediate(resolve))
    while (requested && !stopped) {
      if (clock.now() < rested) await new Promise<void>(resolve => clock.at(rested, resolve))
      requested = false
      cancel()
      const asked = looks
      const began = clock.now()
      try {
        await pass()
        unreadable = 0
      } catch (error) {
        unreadable++
        view.doubt('everything')
        if (unreadable === 1 && !stopped) orders.onEvent(unreadableEvent(error))
      }
      rested = clock.now() + Math.min(LONGEST_REST, REST * (clock.now() - began))
      arm()
      answer(asked)
    }
  }

  function answer(upTo: number): void {
    const heard = awaiting.filter(one => one.looks <= upTo)
    awaiting = awaiting.filter(one => one.looks > upTo)
    for (const { resolve } of heard) resolve()
  }

  function arm(): void {
    if (stopped) return
    const backoff = unreadable === 0 ? 0 : Math.min(LONGEST_BACKOFF, 1000 * 2 ** (unreadable - 1))
    const dues = [view.due(), wanted?.next, refusals.next()].map(due => due ?? Number.POSITIVE_INFINITY)
    cancel = clock.at(Math.max(Math.min(...dues), clock.now() + backoff), request)
  }

  async function pass(): Promise<void> {
    const asked = looks
    // Only to know the names: nothing of the first answer is carried out.
    const named = (wanted ?? orders.want({ now: clock.now() })).table
    const made = journal.services.flatMap(key => parseServiceKey(key) ?? [])
    const theirs = await view.observe(idsOf(named, made), clock.now())
    const before = wanted
    const next = await want()
    wanted = next
    const now = clock.now()
    const ops = plan(next.table, view.table())
    const recovered = recoveredEvent(refusals.keep(new Set(ops.map(entryKey))))
    const { todo, events } = drift.sift({
      ops,
      theirs,
      unchanged: op => before !== undefined && sameWish(before.table, next.table, op),
      refused: new Set(refusals.all().map(failure => failure.entry)),
      mode: orders.drift(),
      names: next.names,
      now,
    })
    for (const event of recovered ? [recovered, ...events] : events) orders.onEvent(event)
    const { going, kept } = withOrder(
      ops,
      todo.filter(op => !refusals.blocks(op, now)),
    )
    const { ops: placed, waiting } = arranged(going, next.table, view.table(), kept, now)
    const applied = await carryOut(placed, next)
    const done = new Set(applied)
    const undone = ops.filter(op => !done.has(op)).map(op => serviceKey(op.service.id))
    view.matches(next.table, new Set([...undone, ...waiting]))
    await settleGlobals(orders.globals())
    complete = refusals.all().length === 0
    orderLeft = waiting.size > 0
    answered = asked
    orders.onPass?.({ desired: next, applied, failed: refusals.all(), complete })
  }

  /** Services named for the first time are read before they are planned: the kernel may have them already. */
  async function want(): Promise<Desired> {
    const ask = () =>
      orders.want({
        now: clock.now(),
        actual: view.table(),
        ...(wanted ? { before: wanted } : {}),
        ...(view.fast() ? { fast: view.fast() as FastTable } : {}),
      })
    let next = ask()
    const known = wanted?.table
    // The same names are the same services.
    const unread = (next.names === wanted?.names ? [] : [...next.table])
      .filter(([key]) => known && !known.has(key) && !view.table().has(key))
      .map(([, { service }]) => service.id)
    if (unread.length > 0) {
      await view.learn(unread)
      next = ask()
    }
    const made = new Set(journal.services)
    view.keep(key => next.table.has(key) || made.has(key))
    return next
  }

  async function carryOut(ops: readonly Op[], next: Desired): Promise<Op[]> {
    // Before the kernel has it, the journal says that it is ours: a crash in between must not orphan it.
    const added = ops.filter(op => op.op === 'add-service').map(op => serviceKey(op.service.id))
    if (added.length > 0) await write({ ...journal, services: [...new Set([...journal.services, ...added])] })
    const errors = ops.length === 0 ? [] : await kernel.apply(ops)
    // What shall go and is gone already is no failure. It is read again all the same, before it is forgotten.
    const refused = ops.map((op, i) => (isGone(op, errors[i]) ? undefined : errors[i]))
    const done = ops.filter((_, i) => errors[i] === undefined)
    view.applied([...done, ...ops.flatMap((op, i) => (errors[i] === undefined ? [] : lost(op)))])
    const event = errorEvent(refusals.note(ops, refused, clock.now()), next.names)
    if (event) orders.onEvent(event)
    ops.forEach((op, i) => {
      if (errors[i] !== undefined) view.doubt(serviceKey(op.service.id))
    })
    const services = journal.services.filter(key => next.table.has(key) || view.table().has(key))
    await write({ ...journal, services, quiet: next.quiet })
    return done
  }

  /** A journal that cannot be written must not stop the table: it is told once and tried again. */
  async function write(content: JournalContent): Promise<void> {
    if (!journalFails && JSON.stringify(content) === JSON.stringify(journal)) return
    journal = content
    try {
      await ports.journal.write(content)
      journalFails = false
    } catch (error) {
      if (!journalFails) orders.onEvent(journalEvent(error))
      journalFails = true
    }
  }

  async function settleGlobals(wish: WantedGlobals): Promise<void> {
    if (!wish.timeouts && !wish.daemons && journal.daemons.length === 0) {
      unsynced = undefined
      return
    }
    const due = clock.now() >= globalsDue
    if (!due && JSON.stringify(wish) === globalsDone) return
    globalsDue = clock.now() + GLOBALS
    const ops = planGlobals(wish, await kernel.globals(), journal.daemons, bound)
    const started = ops.flatMap(op => (op.op === 'start-daemon' ? [op.daemon.role] : []))
    const ours = wish.daemons ? [...new Set([...journal.daemons, ...started])] : []
    if (ours.length > 0) await write({ ...journal, daemons: ours })
    const errors = ops.length === 0 ? [] : await kernel.applyGlobals(ops)
    const refused = ops.flatMap((op, i) => (errors[i] === undefined ? [] : [{ op, errno: errors[i] }]))
    const failing = new Set(refused.map(({ op }) => roleOf(op)))
    for (const { role, index } of wish.daemons ?? [])
      if (index !== undefined && !failing.has(role)) bound.set(role, index)
    const told = JSON.stringify(wish) === globalsDone
    let why: string | undefined
    for (const { op, ...event } of globalErrorEvents(refused)) {
      const sync = op.op === 'start-daemon'
      if (sync) why ??= event.text
      if (!told || (sync && unsynced === undefined)) orders.onEvent(event)
    }
    if (unsynced !== undefined && why === undefined && wish.daemons) orders.onEvent(syncedEvent())
    unsynced = why
    globalsDone = JSON.stringify(wish)
    if (ours.length === 0) await write({ ...journal, daemons: ours })
  }

  async function clear(): Promise<void> {
    const made = journal.services.flatMap(key => parseServiceKey(key) ?? [])
    const mine = await kernel.list([...idsOf(wanted?.table ?? new Map(), made).values()])
    const ops = plan(new Map(), mine)
    const errors = ops.length === 0 ? [] : await kernel.apply(ops)
    const failed = ops.filter((op, i) => errors[i] !== undefined && !isGone(op, errors[i]))
    globalsDue = 0
    await settleGlobals({})
    await write({ services: failed.map(op => serviceKey(op.service.id)), quiet: {}, daemons: [] })
    view.applied(ops.filter(op => !failed.includes(op)))
  }

  return {
    async start() {
      journal = await ports.journal.read()
      request()
      await running
    },
    look: request,
    verify() {
      view.doubt('everything')
      request()
    },
    async settled() {
      while (running) await running
    },
    async answered() {
      if (running && !stopped) await new Promise<void>(resolve => awaiting.push({ looks, resolve }))
    },
    state: () => ({
      desired: wanted,
      actual: view.table(),
      fast: view.fast(),
      journal,
      comparedEvery: view.every(),
      failed: refusals.all(),
      left: drift.left(),
      complete,
      asked: looks,
      answered,
      ordered: !orderLeft,
      unsynced,
    }),
    async stop(how) {
      stopped = true
      cancel()
      await running
      answer(looks)
      if (how.clear) await clear()
    },
  }
}

/**
 * What goes of the plan, and the services whose order stays as it is: where it was not to be repaired, or where the kernel will go
 * on to have another scheduler than the order is for.
 */
function withOrder(ops: readonly Op[], wanted: readonly Op[]) {
  const goes = new Set(wanted)
  const kept = new Set<string>()
  for (const op of ops)
    if ((op.op === 'order-servers' || op.op === 'edit-service') && !goes.has(op)) kept.add(serviceKey(op.service.id))
  const going = wanted.filter(op => op.op !== 'order-servers' || !kept.has(serviceKey(op.service.id)))
  return { going, kept }
}

/** What a move that failed may have left outside: that it is missing is nobody else's doing, and it is added again in any case. */
function lost(op: Op): Op[] {
  const out = op.op === 'order-servers' ? op.servers : op.op === 'edit-server' && op.again ? [op.server] : []
  return out.map(server => ({ op: 'remove-server', service: op.service, server }))
}

function isGone(op: Op, errno: string | undefined): boolean {
  return (op.op === 'remove-server' || op.op === 'remove-service') && (errno === 'ENOENT' || errno === 'ESRCH')
}

/** Whether both tables want the same of the entry that this operation is about. */
function sameWish(before: Table, now: Table, op: Op): boolean {
  const [a, b] = [before, now].map(table => table.get(serviceKey(op.service.id)))
  if (!a || !b) return a === b
  if (op.op === 'order-servers') return sameOrder(a, b)
  if (!('server' in op)) return sameService(a.service, b.service)
  const key = serverKey(op.server)
  const [x, y] = [a.servers.get(key), b.servers.get(key)]
  return x && y ? sameServer(x, y) : x === y
}
