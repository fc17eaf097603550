import type { Role } from '../messages.js'
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
  log(level: 'warn', event: string, data: Readonly<Record<string, unknown>>): void
}

/** What has just begun, or just gone on, needs the processor more than its next spare does, ms. */
const restFor: Readonly<Record<SpareRole, number>> = { vrrp: 500, checkers: 3_000 }

/** Processes that stand ready, one for each role that needs it: loaded, silent, and told when it is their turn. */
export function createSpares({ fork, hindered, died, log }: SparePorts) {
  const ready = new Map<Role, Child>()
  const deaths = new Map<SpareRole, readonly number[]>()

  function start(role: SpareRole): void {
    if (ready.has(role) || hindered()) return
    ready.set(
      role,
      fork(role, (child, reason) => {
        // It was taken meanwhile: it is no spare any more.
        if (ready.get(role) !== child) return died(child, reason)
        ready.delete(role)
        if (hindered()) return
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

  return {
    start,
    startSoon: () => spareRoles.forEach(role => void later(role)),
    of: (role: Role): Child | undefined => ready.get(role),
    /** Whoever takes it has it: another one follows. */
    take(role: SpareRole): Child | undefined {
      const child = ready.get(role)
      ready.delete(role)
      if (child) later(role)
      return child
    },
    /** Ends them all. */
    drop(): void {
      const all = [...ready.values()]
      ready.clear()
      for (const child of all) child.kill('SIGKILL')
    },
  }
}

export const hasSpare = (role: Role): role is SpareRole => role !== 'control'
