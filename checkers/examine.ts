import { failed } from './errors.js'
import { onAbort } from './on-abort.js'
import type { Outcome } from './ports.js'

/** How long one turn of the loop examines answers, ms. What takes longer than that has its turn to itself. */
const BUDGET = 5

/** The answer was there; that nobody came to look at it is our own trouble. */
export const unexamined = failed(
  'local-error',
  'SOCKERR',
  'the answer came, and waited in vain for its turn to be examined',
)

let jobs: (() => void)[] = []
let next = 0

/**
 * Does the job in a turn of the loop of its own. A pattern over 64 KiB may take a tenth of a second: two hundred such
 * answers at once must not hold timers, sockets and the signs of life of this process for all of it together.
 * First come, first served; a job must not throw.
 */
export function examine(job: () => void): void {
  jobs.push(job)
  if (jobs.length === 1) setImmediate(turn)
}

function turn() {
  const end = performance.now() + BUDGET
  do jobs[next++]?.()
  while (next < jobs.length && performance.now() < end)
  jobs = jobs.slice(next)
  next = 0
  if (jobs.length > 0) setImmediate(turn)
}

/** The outcome of an examination in its turn; `unexamined` if the signal comes first. */
export function examined(judge: () => Outcome, signal: AbortSignal): Promise<Outcome> {
  return new Promise(resolve => {
    let waits = true
    const give = (outcome: Outcome) => {
      waits = false
      forget()
      resolve(outcome)
    }
    const forget = onAbort(signal, () => give(unexamined))
    if (signal.aborted) give(unexamined)
    else examine(() => waits && give(guarded(judge)))
  })
}

/** What an examination says. An answer that nobody foresaw must not end the process, nor keep its server in. */
export function guarded(judge: () => Outcome): Outcome {
  try {
    return judge()
  } catch (error) {
    return unforeseen(error)
  }
}

export function unforeseen(error: unknown): Outcome {
  return failed('bad-reply', 'L7RSP', String(error))
}
