import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileTrouble } from '../file-trouble.js'

/** A file system that has not answered for so long is taken for dead, ms: the parent kills a control process that waits for twenty seconds. */
const patience = 2_000
/** Once one is: so long for each of the others, ms. A dozen of them must not keep a control process waiting that long either. */
const impatience = 500
/**
 * Who looks waits for another process, and can be killed. What asks the file system cannot be while it waits (a hard NFS mount); it is
 * left behind, for ten seconds where it may be ended.
 */
const ask = 'timeout -s KILL 10 stat -L -- "$1" & wait $!'

/**
 * Why a program cannot be run, as far as its file tells: nobody may execute it, it is none, it is not there, or nobody answers. For the
 * programs of one file; of each folder one is waited for.
 */
export function programLook(): (path: string) => string | undefined {
  /** By folder: how long it did not answer, ms; 0: it does. */
  const silent = new Map<string, number>()
  return path => {
    const folder = dirname(path)
    const limit = [...silent.values()].some(ms => ms > 0) ? impatience : patience
    const ms = silent.get(folder) ?? (answersWithin(path, limit) ? 0 : limit)
    silent.set(folder, ms)
    return ms === 0 ? notRunnable(path) : `its file system did not answer within ${ms / 1_000} s`
  }
}

function answersWithin(path: string, limit: number): boolean {
  const { error } = spawnSync('sh', ['-c', ask, 'sh', path], {
    timeout: limit,
    killSignal: 'SIGKILL',
    stdio: 'ignore',
  })
  return (error as NodeJS.ErrnoException | undefined)?.code !== 'ETIMEDOUT'
}

function notRunnable(path: string): string | undefined {
  try {
    const found = statSync(path)
    if (!found.isFile()) return 'it is no file'
    return (found.mode & 0o111) === 0 ? 'it is not executable' : undefined
  } catch (error) {
    return fileTrouble(error)
  }
}
