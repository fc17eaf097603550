import { type FileStart, readStart, unread } from '../../checkers/file-start.js'

/** The number of a tracked file, or why there is none. */
export type FileNumber = { readonly number: number } | { readonly trouble: string }

/** A file that is waited for so long is told of, ms. A disk that has to spin up needs some seconds. */
const SLOW = 5_000
/** What this process lacks says nothing about the file. */
const own: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])

/**
 * Reads tracked files (keepalived's track_file) beside the loop that checks. `found` hears what a file says each time it has been read,
 * and why one cannot be read for so long that it has to be told: its file system does not answer. Which number stays in force then is for
 * the caller to say.
 */
export function createFileReader(found: (path: string, what: FileNumber | { readonly unread: string }) => void) {
  const asked = new Map<string, { readonly since: number; readonly giveUp: () => void }>()

  function ask(path: string, since: number): void {
    const giveUp = readStart(path, start => {
      // It may have been given up, and be asked for again.
      if (asked.get(path)?.giveUp !== giveUp) return
      asked.delete(path)
      const ours = 'errno' in start && own.has(start.errno)
      found(path, ours ? { unread: start.message } : numberIn(path, start))
    })
    asked.set(path, { since, giveUp })
  }

  return {
    /** Reads them in turn. To be called again and again; `now` is a monotonic clock, ms. */
    look(paths: ReadonlySet<string>, now: () => number): void {
      for (const [path, { giveUp }] of asked) {
        if (paths.has(path)) continue
        giveUp()
        asked.delete(path)
      }
      for (const path of paths) {
        const before = asked.get(path)
        if (!before) ask(path, now())
        else if (now() - before.since >= SLOW) found(path, { unread: unread(path) })
      }
    },
  }
}

/** A missing or unreadable file is trouble; text after the number is nobody's business. */
function numberIn(path: string, start: FileStart): FileNumber {
  if ('errno' in start) return { trouble: `${path}: ${start.errno === 'ENOENT' ? 'no such file' : start.message}` }
  const text = start.text.trim()
  const number = Number(text.split(/\s/, 1)[0])
  return text !== '' && Number.isInteger(number)
    ? { number }
    : { trouble: `${path}: not a number: '${text.slice(0, 20)}'` }
}
