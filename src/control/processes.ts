import type { Role, Spare, ToControl } from '../messages.js'
import type { ProcessStatus } from '../status/status.js'

type ChildMessage = Extract<ToControl, { type: 'child' }>

/** What the parent tells of its children, as `status` shows it. */
export function createProcesses(parentPid: number, startedAt: number) {
  const known = new Map<Role, ProcessStatus>()
  const spares = new Map<Role, NonNullable<ProcessStatus['spare']>>()
  const withSpare = (process: ProcessStatus): ProcessStatus => {
    const spare = process.role !== 'parent' && spares.get(process.role)
    return spare ? { ...process, spare } : process
  }
  return {
    heard({ role, state, pid, reason, at: now }: ChildMessage): void {
      const before = known.get(role)
      if (state === 'silent' || state === 'answers') {
        if (before?.pid === pid)
          known.set(role, { ...answering(before), ...(state === 'silent' ? { silentSince: now } : {}) })
        return
      }
      // Its own words came first: a message of the parent may be older than the hello.
      if (state === 'started' && before?.state === 'running' && before.pid === pid) return
      const restarts = (before?.restarts ?? 0) + (state === 'died' ? 1 : 0)
      const died = state === 'died' ? { at: now, reason: reason ?? 'unknown' } : before?.died
      const base = { role, pid, since: now, restarts, ...(died ? { died } : {}) }
      // Told late, by a parent whose word did not get through: what followed it runs already.
      if (state === 'died' && before && before.pid !== pid && died) known.set(role, { ...before, restarts, died })
      else if (state === 'died') known.set(role, { ...base, state: 'dead' })
      else known.set(role, { ...base, state: state === 'promoted' ? 'running' : 'starting' })
    },
    /** It said hello. */
    up(role: Role, pid: number, now: number): void {
      const before = known.get(role)
      if (before?.state === 'running' && before.pid === pid) return
      known.set(role, {
        ...(before ? answering(before) : { role, restarts: 0 }),
        role,
        pid,
        since: now,
        state: 'running',
      })
    },
    /** The longest stall of its loop lately, ms. */
    lag(role: Role, ms: number): void {
      const before = known.get(role)
      if (before) known.set(role, { ...before, lag: ms })
    },
    /** Whether one stands ready to go on with its work. */
    spare(role: Role, spare: Spare, now: number): void {
      const before = spares.get(role)
      spares.set(role, { ...spare, since: before && before.ready === spare.ready ? before.since : now })
    },
    list(): readonly ProcessStatus[] {
      const parent: ProcessStatus = { role: 'parent', state: 'running', pid: parentPid, since: startedAt, restarts: 0 }
      return [
        parent,
        ...(['vrrp', 'checkers', 'control'] as const).flatMap(role => known.get(role) ?? []).map(withSpare),
      ]
    },
  }
}

function answering({ silentSince: _, ...process }: ProcessStatus): Omit<ProcessStatus, 'silentSince'> {
  return process
}
