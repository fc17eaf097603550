import { readFileSync, statSync } from 'node:fs'
import { type Paths, pidFile } from './paths.js'

/** The pid of a director that already runs on these paths; undefined when there is none (a stale file is no director). */
export function runningPid(paths: Paths): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile(paths), 'utf8'))
    if (!Number.isInteger(pid) || pid <= 1 || pid === process.pid) return undefined
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return words.includes('run') && words.some(word => /lvskeeper|main\.js$/.test(word)) ? pid : undefined
  } catch {
    return undefined
  }
}

/** Since when the director runs on these paths; a control process that is started again has not begun it anew. */
export function runningSince(paths: Paths): number {
  return Math.round(statSync(pidFile(paths), { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
}
