import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import { attempt } from './attempt.js'

/**
 * Gives every thread of this process the nice level; answers `ok` or the errno name of the last refusal. The level is each thread's own on Linux
 * (setpriority(2)): the main thread's alone would leave the collector's and the compiler's helpers where they were.
 */
export function niceThreads(level: number): string {
  const refused = readdirSync('/proc/self/task')
    .map(thread => attempt(() => setPriority(Number(thread), level)))
    // One that has ended meanwhile.
    .filter(answer => answer !== 'ok' && answer !== 'ESRCH')
  return refused.at(-1) ?? 'ok'
}
