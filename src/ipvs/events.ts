import type { Event } from '../messages.js'
import { explainError } from './errors.js'
import type { Failure } from './failures.js'
import { ipvsadmLine } from './ipvsadm.js'
import type { Op } from './plan.js'
import type { GlobalOp } from './ports.js'
import { serverKey, serviceKey } from './table.js'

/** An event of the table manager; whoever passes it on stamps it. */
export type TableEvent = Omit<Event, 'at'>
export type Names = ReadonlyMap<string, string>

/** So many single events at most; more at once become one that counts them. */
const SINGLE = 10

export type Answer = 'repaired' | 'reported' | 'left'

/** What somebody else did to our table, and what we do about it. */
export function driftEvents(theirs: readonly Op[], answer: Answer, names: Names): TableEvent[] {
  if (theirs.length === 0) return []
  const level = answer === 'repaired' ? 'warning' : 'alarm'
  if (theirs.length <= SINGLE) return theirs.map(op => ({ ...driftEvent(op, answer, names), level }))
  const data = { count: theirs.length, answer, first: theirs.slice(0, SINGLE).map(ipvsadmLine) }
  const text = `somebody else changed ${theirs.length} entries of the table; ${ENDINGS[answer]}`
  return [{ name: 'table.drift', level, subject: 'table', text, data }]
}

const ENDINGS: Readonly<Record<Answer, string>> = {
  repaired: 'repaired',
  reported: 'left as it is (drift: report)',
  left: 'left as it is, for now: somebody else writes this table',
}

function driftEvent(op: Op, answer: Answer, names: Names): Omit<TableEvent, 'level'> {
  const { before, after, what, verb } = told(op, names)
  return {
    name: 'table.drift',
    subject: subjectOf(op, names),
    text: `somebody else ${what}; ${ENDINGS[answer]}${verb ? `. The way to do it: ${verb}` : ''}`,
    data: { op: op.op, before, after, answer, done: ipvsadmLine(op), ...(verb ? { verb } : {}) },
  }
}

/** Before and after in one line each, and the verb that would have done it properly. */
function told(op: Op, names: Names) {
  const name = nameOf(op, names)
  switch (op.op) {
    case 'add-service':
    case 'edit-service': {
      const before = op.op === 'edit-service' ? JSON.stringify(op.before.settings) : undefined
      const after = JSON.stringify(op.service.settings)
      return { before, after, what: `changed the service ${name}`, verb: 'edit the file, then "lvskeeper reload"' }
    }
    case 'remove-service': {
      const before = JSON.stringify(op.service.settings)
      return {
        before,
        after: undefined,
        what: `removed the service ${name}`,
        verb: 'take it out of the file, then "lvskeeper reload"',
      }
    }
    case 'add-server': {
      const verb = 'add it to the file, then "lvskeeper reload"'
      return {
        before: undefined,
        after: JSON.stringify(op.server.settings),
        what: `added ${serverKey(op.server)} to ${name}`,
        verb,
      }
    }
    case 'remove-server': {
      const verb = `lvskeeper maint ${name}/${serverKey(op.server)}`
      return {
        before: JSON.stringify(op.server.settings),
        after: undefined,
        what: `removed ${serverKey(op.server)} from ${name}`,
        verb,
      }
    }
    case 'order-servers': {
      const after = op.servers.slice(0, SINGLE).map(serverKey).join(', ')
      const what = `changed the order of the real servers of ${name}, by which their clients are shared out`
      return { before: undefined, after: `newest: ${after}`, what, verb: 'none is needed: lvskeeper keeps one order' }
    }
    case 'edit-server': {
      const [was, is] = [op.before.settings, op.server.settings]
      const where = `${name}/${serverKey(op.server)}`
      const verb =
        was.weight === is.weight
          ? 'edit the file, then "lvskeeper reload"'
          : is.weight === 0
            ? `lvskeeper drain ${where}`
            : `lvskeeper weight ${where} ${is.weight}`
      const what =
        was.weight === is.weight
          ? `changed ${serverKey(op.server)} of ${name}`
          : `changed the weight of ${serverKey(op.server)} of ${name} from ${was.weight} to ${is.weight}`
      return { before: JSON.stringify(was), after: JSON.stringify(is), what, verb }
    }
  }
}

/** One alarm when entries are given up after three repairs in a minute. */
export function contestedEvent(entries: readonly string[]): TableEvent {
  const some = entries.slice(0, 3).join(', ')
  return {
    name: 'table.contested',
    level: 'alarm',
    subject: 'table',
    text: `someone else writes this table: after three repairs in a minute ${some}${entries.length > 3 ? ` and ${entries.length - 3} more` : ''} ${entries.length === 1 ? 'is' : 'are'} left as found`,
    data: { entries: entries.slice(0, 100), count: entries.length },
  }
}

/** One event for all that the kernel refused in one pass. */
export function errorEvent(failed: readonly Failure[], names: Names): TableEvent | undefined {
  const [first] = failed
  if (!first) return undefined
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : ''
  return {
    name: 'table.error',
    level: 'alarm',
    subject: failed.length === 1 ? subjectOf(first.op, names) : 'table',
    text: `${explainError(first.op, first.errno)}${more}; it will be tried again`,
    data: {
      count: failed.length,
      services: [...new Set(failed.map(({ op }) => nameOf(op, names)))].slice(0, SINGLE),
      refused: failed.slice(0, SINGLE).map(({ op, errno }) => ({ command: ipvsadmLine(op), errno })),
    },
  }
}

export function recoveredEvent(failed: readonly Failure[]): TableEvent | undefined {
  if (failed.length === 0) return undefined
  const text = `the kernel now has what it refused before: ${failed.length} ${failed.length === 1 ? 'entry' : 'entries'}`
  return {
    name: 'table.recovered',
    level: 'info',
    subject: 'table',
    text,
    data: { entries: failed.slice(0, SINGLE).map(one => one.entry) },
  }
}

/** Both sync daemons run, after the kernel had refused one. */
export function syncedEvent(): TableEvent {
  return { name: 'table.recovered', level: 'info', subject: 'table', text: 'connection sync runs now' }
}

/** The kernel cannot be asked or told at all. */
export function unreadableEvent(error: unknown): TableEvent {
  const text = `the kernel table cannot be read or written: ${textOf(error)}`
  return { name: 'table.error', level: 'alarm', subject: 'table', text }
}

export function journalEvent(error: unknown): TableEvent {
  const text = `the journal of the table cannot be written (${textOf(error)}): after a crash now, services that the file no longer names would stay in the kernel`
  return { name: 'table.journal', level: 'warning', subject: 'table', text }
}

/** What the kernel refused of the timeouts and the sync daemons, one event for each; both daemons for one reason are one. */
export function globalErrorEvents(
  refused: readonly RefusedGlobal[],
): readonly (TableEvent & { readonly op: GlobalOp })[] {
  const [first, second] = refused.filter(({ op }) => op.op === 'start-daemon')
  const both = first && second && first.errno === second.errno
  return refused.flatMap(({ op, errno }) => {
    if (both && op === second.op) return []
    const text = `the kernel refused ${refusedText(op, both === true)} (${errno})${hintOf(op, errno)}`
    return [{ op, name: 'table.error', level: 'alarm', subject: 'table', text, data: { errno } }]
  })
}

export type RefusedGlobal = { readonly op: GlobalOp; readonly errno: string }

function refusedText(op: GlobalOp, both: boolean): string {
  switch (op.op) {
    case 'set-timeouts':
      return 'to set the connection timeouts'
    case 'stop-daemon':
      return `to stop the ${op.role} sync daemon`
    case 'start-daemon':
      return `to start ${both ? 'the sync daemons' : `the ${op.daemon.role} sync daemon`} on ${op.daemon.interface}`
  }
}

function hintOf(op: GlobalOp, errno: string): string {
  if (op.op !== 'start-daemon') return ''
  if (errno === 'ENETUNREACH') return ': the interface is down'
  if (errno === 'EINVAL') return ': a service with real servers of the other address family excludes the sync daemon'
  return errno === 'ENODEV' ? ': there is no such interface' : ''
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function nameOf(op: Op, names: Names): string {
  return names.get(serviceKey(op.service.id)) ?? serviceKey(op.service.id)
}

function subjectOf(op: Op, names: Names): string {
  return 'server' in op ? `server ${nameOf(op, names)}/${serverKey(op.server)}` : `service ${nameOf(op, names)}`
}
