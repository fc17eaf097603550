import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The number of a tracked file, or why there is none. */
export type FileNumber = { readonly number: number } | { readonly trouble: string }

/** Files that are read at once: on a dead network mount reading never ends and keeps a thread (UV_THREADPOOL_SIZE in process/child.ts). */
const TOGETHER = 2
/** A read that has gone on for so long is told of, ms. A disk that has to spin up needs some seconds. */
const SLOW = 5_000

/**
 * Reads tracked files (keepalived's track_file) beside the loop that checks. `found` hears what a file says each time it has been read,
 * and why one cannot be read for so long that it has to be told: its file system does not answer. Which number stays in force then is for
 * the caller to say.
 */
export function createFileReader(found: (path: string, what: FileNumber | { readonly unread: string }) => void) {
  /** By folder, one file of each at a time: a dead mount gets one thread, and the files elsewhere go on. */
  const reading = new Map<string, { readonly began: number; readonly at: number }>()
  const waiting = new Set<string>()
  let wanted: ReadonlySet<string> = new Set()

  function fill(now: () => number): void {
    for (const path of waiting) {
      if (reading.size >= TOGETHER) return
      const folder = dirname(path)
      if (reading.has(folder)) continue
      waiting.delete(path)
      reading.set(folder, { began: now(), at: Date.now() })
      void numberIn(path).then(what => {
        reading.delete(folder)
        if (wanted.has(path)) found(path, what)
        fill(now)
      })
    }
  }

  /** Why a file is not read: it is in a folder that has not answered for long, or such folders keep all places. */
  function unread(path: string, now: number): string | undefined {
    const dead = [...reading].filter(([, { began }]) => now - began >= SLOW)
    const own = dead.find(([folder]) => folder === dirname(path))
    if (own) return `no answer from the file system since ${new Date(own[1].at).toISOString()}`
    return dead.length < TOGETHER
      ? undefined
      : `not read while ${dead.map(([folder]) => folder).join(' and ')} do not answer`
  }

  return {
    /** Reads them in turn. To be called again and again; `now` is a monotonic clock, ms. */
    look(paths: ReadonlySet<string>, now: () => number): void {
      wanted = paths
      for (const path of waiting) if (!paths.has(path)) waiting.delete(path)
      for (const path of paths) {
        const why = unread(path, now())
        if (why !== undefined) found(path, { unread: why })
        waiting.add(path)
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
