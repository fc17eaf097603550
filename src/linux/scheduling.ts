import { readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { attempt } from './attempt.js'
import { int32, libc, refusal } from './libc.js'

export type Scheduling = {
  /** SCHED_RR priority 1..99 for the main thread; 0: back to ordinary scheduling; absent: as it is. */
  readonly realtime?: number
  /** -20 (first) .. 19. */
  readonly nice?: number
  /** -1000 (never killed when memory is short) .. 1000. */
  readonly oomScoreAdjust?: number
}

/** `ok`, or the errno name of the refusal: `{ nice: 'ok', realtime: 'EPERM' }`. */
export type Obtained = { readonly [what in 'realtime' | 'nice' | 'oomScoreAdjust']?: string }

const schedOther = 0
const schedRr = 2
/** Children are not realtime. */
const resetOnFork = 0x40000000

/**
 * Best effort: a container without CAP_SYS_NICE runs all the same, later. SCHED_RR moves the main thread only; V8's helpers stay normal, so a process that wants it starts with
 * `--single-threaded-gc --v8-pool-size=0`, and then waits for no other thread.
 */
export function applyScheduling({ realtime, nice, oomScoreAdjust }: Scheduling): Obtained {
  const obtained: { -readonly [what in keyof Obtained]: Obtained[what] } = {}
  // Nice first: it also serves the threads that realtime does not move, and the main one where realtime is refused.
  if (nice !== undefined) obtained.nice = attempt(() => setPriority(nice))
  if (realtime !== undefined)
    obtained.realtime =
      refusal(libc.schedSetscheduler(0, realtime === 0 ? schedOther : schedRr | resetOnFork, int32(realtime))) ?? 'ok'
  if (oomScoreAdjust !== undefined)
    obtained.oomScoreAdjust = attempt(() => writeFileSync('/proc/self/oom_score_adj', String(oomScoreAdjust)))
  return obtained
}

/** The policy of the main thread as the kernel has it: `other`, `fifo`, `rr` ... (proc(5), field 41 of stat). */
export function currentPolicy(): string {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ['other', 'fifo', 'rr', 'batch', 'iso', 'idle', 'deadline'][Number(fields[38])] ?? 'unknown'
}
