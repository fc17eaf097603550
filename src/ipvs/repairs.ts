import { contest } from './contest.js'
import { entryKey } from './entry.js'
import { type Answer, contestedEvent, driftEvents, type Names, type TableEvent } from './events.js'
import type { Op } from './plan.js'
import type { Millis } from './ports.js'
import { serviceKey } from './table.js'

/** What one pass found out. */
export type Findings = {
  /** What would make the table right. */
  readonly ops: readonly Op[]
  /** What somebody else did to it since the last pass. */
  readonly theirs: readonly Op[]
  /** Whether the same was wanted of this operation's entry before: if not, the operation is no repair. */
  readonly unchanged: (op: Op) => boolean
  /** Entries that the kernel has just refused: that has been told already. */
  readonly refused: ReadonlySet<string>
  readonly mode: 'repair' | 'report'
  readonly names: Names
  readonly now: Millis
}

export type Repairs = {
  /** Which of the operations to carry out, and what to tell. */
  sift(findings: Findings): { readonly todo: Op[]; readonly events: TableEvent[] }
  /** Entries that are wrong and stay so. */
  left(): string[]
}

/**
 * Decides what is repaired of what somebody else changed. Nothing with `drift: report`; else everything, until three
 * repairs of one entry within a minute were undone. An entry that is wrong stays tolerated until it is right again,
 * something else is wanted of it, or a truce of ten minutes is over.
 */
export function repairs(): Repairs {
  const fights = contest()
  const tolerated = new Set<string>()

  return {
    sift({ ops, theirs, unchanged, refused, mode, names, now }) {
      const drifted = new Set(theirs.map(entryKey))
      const missing = new Set(ops.filter(op => op.op === 'add-service').map(entryKey))
      const answers = new Map<string, Answer>()
      const given: string[] = []

      /** The drifted entry that this operation would repair: its own, or its service that is gone altogether. */
      function repaired(op: Op): string | undefined {
        const service = serviceKey(op.service.id)
        const candidates = missing.has(service) ? [service, entryKey(op)] : [entryKey(op)]
        return candidates.find(entry => (drifted.has(entry) && !refused.has(entry)) || tolerated.has(entry))
      }

      function judge(entry: string): Answer {
        if (mode === 'report') return 'reported'
        const before = fights.left(entry, now)
        if (fights.repair(entry, now) === 'repair') return 'repaired'
        if (!before) given.push(entry)
        return 'left'
      }

      /** Services that stay away: without them no real server can be added either. */
      const absent = new Set<string>()

      function wanted(op: Op): boolean {
        if ('server' in op && absent.has(serviceKey(op.service.id))) return false
        const entry = repaired(op)
        if (entry === undefined) return true
        if (!unchanged(op)) {
          tolerated.delete(entry)
          fights.settle(entry)
          return true
        }
        const answer = answers.get(entry) ?? judge(entry)
        answers.set(entry, answer)
        if (answer === 'repaired') tolerated.delete(entry)
        else tolerated.add(entry)
        return answer === 'repaired'
      }

      const todo = ops.filter(op => {
        const go = wanted(op)
        if (!go && op.op === 'add-service') absent.add(serviceKey(op.service.id))
        return go
      })

      const wrong = new Set([...ops.map(entryKey), ...missing])
      for (const entry of tolerated)
        if (!wrong.has(entry)) {
          tolerated.delete(entry)
          fights.settle(entry)
        }

      const events = (['repaired', 'reported', 'left'] as const).flatMap(answer =>
        driftEvents(
          theirs.filter(op => answers.get(entryKey(op)) === answer),
          answer,
          names,
        ),
      )
      return { todo, events: given.length > 0 ? [...events, contestedEvent(given)] : events }
    },
    left: () => [...tolerated],
  }
}
