import { getPriority } from 'node:os'
import { niceThreads } from '../linux/niceness.js'

/**
 * What traffic waits for comes first: a director may itself be the real server, and has other things to do than to be administered
 * (docs/decisions/0009-nice-levels.md). Levels are nice(2)'s, of -20 (first) to 19; vrrp sets its own.
 */
const levels = { control: 10, checkersAtStart: 5, checkers: 0 }

/** What the parent runs at: the unit's Nice=, or what an operator gave. Who asks for more than our levels gets it. */
const given = getPriority()
let starting = false

/** The level with which a process of this role begins, before the rest of the program is loaded. A refusal is no failure: it runs as it was started. */
export function giveWay(role: 'checkers' | 'control', replaces = false): void {
  if (role === 'control') return void niceThreads(Math.max(given, levels.control))
  // One that replaces a dead one is in a hurry: clients are sent where that one sent them. Without the right to come back it must not go down.
  starting = !replaces && mayComeBack()
  niceThreads(Math.max(given, starting ? levels.checkersAtStart : levels.checkers))
}

/** The end of the start: from now on a dead real server costs connections. */
export function hurry(): void {
  if (!starting) return
  starting = false
  niceThreads(Math.max(given, levels.checkers))
}

/** Capabilities do not tell: within a user namespace the kernel refuses all the same (setpriority(2), EACCES). */
function mayComeBack(): boolean {
  return given > -20 && niceThreads(given - 1) === 'ok'
}
