import { readdirSync, readFileSync } from 'node:fs'

/** A program that must run (`processes:` in the file). */
export type TrackedProcess = {
  /** comm (15 characters, proc(5)), or a path that must equal the first word of the command line. */
  readonly command: string
  /** First arguments that must be equal. */
  readonly arguments?: readonly string[] | undefined
  readonly minimum: number
  readonly maximum?: number | undefined
  /** How long a change must last before it counts, ms. */
  readonly delay: number
}

export type Running = { readonly comm: string; readonly words: readonly string[] }

/** Kernel names are cut to 15 characters (TASK_COMM_LEN). */
const commLength = 15

/** How many of the running programs are the tracked one. */
export function count(tracked: TrackedProcess, running: readonly Running[]): number {
  const path = tracked.command.includes('/')
  return running.filter(({ comm, words }) => {
    const same = path ? words[0] === tracked.command : comm === tracked.command.slice(0, commLength)
    return same && (tracked.arguments ?? []).every((word, at) => words[at + 1] === word)
  }).length
}

export function enough({ minimum, maximum = Number.POSITIVE_INFINITY }: TrackedProcess, found: number): boolean {
  return found >= minimum && found <= maximum
}

/** Every process of this machine that has not ended. */
export function running(proc = '/proc'): Running[] {
  return readdirSync(proc)
    .filter(entry => /^\d+$/.test(entry))
    .flatMap(entry => {
      try {
        const words = readFileSync(`${proc}/${entry}/cmdline`, 'utf8').split('\0').slice(0, -1)
        // A zombie has no command line: it is not running.
        return words.length > 0 ? [{ comm: readFileSync(`${proc}/${entry}/comm`, 'utf8').trim(), words }] : []
      } catch {
        // It ended while we looked.
        return []
      }
    })
}
