import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** The number of a tracked file, or why there is none. */
export type FileNumber = { readonly number: number } | { readonly trouble: string }

/** Paths that are read at once: on a dead network mount reading never ends and keeps a thread (UV_THREADPOOL_SIZE in process/child.ts). */
const TOGETHER = 2
/** A read that has gone on for so long is told of, ms. A disk that has to spin up needs some seconds. */
const SLOW = 5_000

/**
 * Reads tracked files (keepalived's track_file) beside the loop that checks. `found` hears what a file says each time it has been read,
 * and of one that is still being read since when (ms of the epoch) its file system has not answered; which number stays in force then is
 * for the caller to say.
 */
export function createFileReader(found: (path: string, what: FileNumber | { readonly silentSince: number }) => void) {
  const reading = new Map<string, { readonly began: number; readonly at: number }>()
  const waiting = new Set<string>()
  let wanted: ReadonlySet<string> = new Set()

  function fill(now: () => number): void {
    for (const path of waiting) {
      if (reading.size >= TOGETHER) return
      waiting.delete(path)
      reading.set(path, { began: now(), at: Date.now() })
      void numberIn(path).then(what => {
        reading.delete(path)
        if (wanted.has(path)) found(path, what)
        fill(now)
      })
    }
  }

  return {
    /** Reads those that are not being read already, in turn. To be called again and again; `now` is a monotonic clock, ms. */
    look(paths: ReadonlySet<string>, now: () => number): void {
      wanted = paths
      for (const path of waiting) if (!paths.has(path)) waiting.delete(path)
      for (const path of paths) {
        const { began = Number.POSITIVE_INFINITY, at = 0 } = reading.get(path) ?? {}
        if (now() - began >= SLOW) found(path, { silentSince: at })
        if (!reading.has(path)) waiting.add(path)
      }
      fill(now)
    },
  }
}

/** A missing or unreadable file is trouble; text after the number is nobody's business. */
export async function numberIn(path: string): Promise<FileNumber> {
  let text: string
  try {
    text = (await start(path)).trim()
  } catch (error) {
    return {
      trouble: `${path}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : String(error)}`,
    }
  }
  const number = Number(text.split(/\s/, 1)[0])
  return text !== '' && Number.isInteger(number)
    ? { number }
    : { trouble: `${path}: not a number: '${text.slice(0, 20)}'` }
}

/** The first KiB. Neither a pipe that nobody writes nor a log file may hold it. */
async function start(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, null)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
