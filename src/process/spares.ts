import type { Role, Spare } from '../messages.js'
import { restartDelay } from './backoff.js'
import type { Child } from './child.js'

/** The roles whose work may be missing for less time than the start of a process takes. */
export const spareRoles = ['vrrp', 'checkers'] as const
export type SpareRole = (typeof spareRoles)[number]

export interface SparePorts {
  fork(role: SpareRole, ended: (child: Child, reason: string) => void): Child
  /** Whether none shall be started now: the director leaves, or is about to run another program. */
  hindered(): boolean
  /** A process that was a spare once has ended. */
  died(child: Child, reason: string): void
  /** How things stand with the spare of a role now. */
  tell(role: SpareRole, spare: Spare): void
  log(level: 'warn', event: string, data: Readonly<Record<string, unknown>>): void
}

/** What has just begun, or just gone on, needs the processor more than its next spare does, ms. */
const restFor: Readonly<Record<SpareRole, number>> = { vrrp: 500, checkers: 3_000 }

/** Processes that stand ready, one for each role that needs it: loaded, silent, and told when it is their turn. */
export function createSpares({ fork, hindered, died, tell, log }: SparePorts) {
  /** Started, and not taken. */
  const waiting = new Map<Role, Child>()
  const told = new Map<SpareRole, Spare>()
  const deaths = new Map<SpareRole, readonly number[]>()

  function start(role: SpareRole): void {
    if (waiting.has(role) || hindered()) return
    waiting.set(
      role,
      fork(role, (child, reason) => {
        // It was taken meanwhile: it is no spare any more.
        if (waiting.get(role) !== child) return died(child, reason)
        waiting.delete(role)
        if (hindered()) return
        stands(role, { ready: false, reason })
        log('warn', 'process.died', { role: `spare ${role}`, pid: child.pid, reason })
        const now = performance.now()
        const recent = [...(deaths.get(role) ?? []).filter(at => now - at < 60_000), now]
        deaths.set(role, recent)
        later(role, Math.max(1_000, restartDelay(recent, now)))
      }),
    )
  }

  function later(role: SpareRole, delay = restFor[role]): void {
    setTimeout(() => start(role), delay).unref()
  }

  function stands(role: SpareRole, spare: Spare): void {
    told.set(role, spare)
    tell(role, spare)
  }

  return {
    start,
    startSoon(): void {
      for (const role of spareRoles) {
        if (!told.has(role)) told.set(role, { ready: false })
        later(role)
      }
    },
    of: (role: Role): Child | undefined => waiting.get(role),
    /** It has all that it needs for its turn. */
    standsReady(child: Child): void {
      const { role, pid } = child
      if (role !== 'control' && waiting.get(role) === child && told.get(role)?.pid !== pid)
        stands(role, { ready: true, pid })
    },
    /** Whoever listens now has heard nothing. */
    tellAll(): void {
      for (const [role, spare] of told) tell(role, spare)
    },
    /** Whoever takes it has it: another one follows. */
    take(role: SpareRole): Child | undefined {
      const child = waiting.get(role)
      if (!child) return undefined
      waiting.delete(role)
      stands(role, { ready: false })
      later(role)
      return child
    },
    /** Ends them all. */
    drop(): void {
      const all = [...waiting.values()]
      waiting.clear()
      for (const role of told.keys()) stands(role, { ready: false })
      for (const child of all) child.kill('SIGKILL')
    },
  }
}

export const hasSpare = (role: Role): role is SpareRole => role !== 'control'
