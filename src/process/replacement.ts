import type { Event, Role } from '../messages.js'
import type { Child } from './child.js'
import type { ParentPorts } from './parent.js'

/** What a replacement does with the parent's processes. */
export type Household = {
  readonly children: ReadonlyMap<Role, Child>
  /** Starts one as if none had died before. */
  startAnew(role: Role): void
  /** Ends the spares that stand ready: they are of the old program. */
  dropSpares(): void
  /** Vrrp's: it is the successor. */
  startSpare(): void
  /** The spare becomes vrrp; without one a new process does. */
  succeed(): void
  tell(event: Event): void
}

const leaveWithin = 5_000
/** Without a configured successor by then the old vrrp process stays. */
const replaceWithin = 60_000

/**
 * Restarts everything in place, where no service manager would start us again. vrrp goes on advertising while its
 * successor, a spare out of the new program, is configured by the new control: adverts are missing for a moment only.
 *
 *   checkers, control leave ─> start anew ─> spare starts ─> it is configured ─> vrrp leaves ─> the spare is vrrp
 */
export function replacement(household: Household, log: ParentPorts['log']) {
  let limit: NodeJS.Timeout | undefined
  /** Told to make room; their end is none. */
  const asked = new Set<Child>()

  return {
    begin(): void {
      if (limit) return
      log('info', 'leaving', { how: 'restart' })
      limit = setTimeout(() => {
        limit = undefined
        incomplete(household.children.get('vrrp')?.pid)
      }, replaceWithin)
      household.dropSpares()
      for (const role of ['checkers', 'control'] as const) ask(household.children.get(role))
      if (asked.size === 0) household.startSpare()
    },
    /** The spare waits for what is to be asked first. */
    hinders: (): boolean => limit !== undefined && asked.size > 0,
    /** The spare has all that it needs. */
    configured(): void {
      if (!limit) return
      clearTimeout(limit)
      limit = undefined
      if (!ask(household.children.get('vrrp'))) household.succeed()
    },
    /** A process has ended. Answers whether it was told to. */
    ended(child: Child): boolean {
      if (!asked.delete(child)) return false
      if (child.role === 'vrrp') household.succeed()
      else {
        household.startAnew(child.role)
        if (asked.size === 0) household.startSpare()
      }
      return true
    },
    cancel(): void {
      clearTimeout(limit)
      limit = undefined
    },
  }

  function incomplete(pid: number | undefined): void {
    const text =
      'the restart is incomplete: no vrrp process of the new program was configured within a minute, and the one of the old program goes on'
    // Control may be what does not start: then only the log says it now, and the event comes when it has.
    log('error', 'restart.incomplete', { pid, text })
    const data = { ...(pid === undefined ? {} : { pid }) }
    household.tell({ at: Date.now(), name: 'restart.incomplete', level: 'alarm', subject: 'process vrrp', text, data })
  }

  function ask(child: Child | undefined): boolean {
    if (!child) return false
    asked.add(child)
    child.send({ type: 'leave', how: 'restart' })
    setTimeout(() => asked.has(child) && child.kill('SIGKILL'), leaveWithin).unref()
    return true
  }
}
