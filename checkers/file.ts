import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { excerpt, failed, failureOf } from './errors.js'
import { onAbort } from './on-abort.js'
import type { Outcome, Probe } from './ports.js'
import type { FileSpec } from './spec.js'

/** A file on this director: that it is there, or the number in it (keepalived's track_file). */
export function fileProbe({ path, weight = 0, exists }: FileSpec): Probe {
  return async ({ address, port }, signal) => {
    const text = await firstBytes(path.replaceAll('{address}', address).replaceAll('{port}', String(port)), signal)
    if (typeof text === 'object') return text
    if (exists !== undefined) {
      const there = text !== undefined
      const detail = there ? 'the file is there' : 'the file is not there'
      return there === exists ? { passed: true, layer: 'L7OK', detail } : failed('bad-status', 'L7STS', detail)
    }
    // keepalived: no file, an empty file or no number in it is 0.
    const number = Number.parseInt(text?.trim() || '0', 10)
    if (Number.isNaN(number)) return failed('bad-body', 'L7RSP', 'no number', excerpt(text ?? ''))
    const detail = `value ${number}`
    if (weight !== 0) return { passed: true, layer: 'L7OK', detail, wish: { add: weight * number } }
    return number === 0 ? { passed: true, layer: 'L7OK', detail } : failed('bad-status', 'L7STS', detail)
  }
}

/**
 * Files that are read at once. On a dead network mount reading never ends, and holds one of the threads on which this process does
 * all that has to do with files (UV_THREADPOOL_SIZE in process/child.ts): the others are not for checks.
 */
const TOGETHER = 2
/** Folders in which a file is being read, and since when, ms of the epoch. One at a time: a dead mount gets one thread, and the files elsewhere go on. */
const reading = new Map<string, number>()
const waiting = new Set<{ readonly folder: string; readonly go: () => Promise<void> }>()

/** Waits for its turn and for the file, no longer than the signal; a read that goes on after it keeps its turn. */
function firstBytes(path: string, signal: AbortSignal): Promise<string | undefined | Outcome> {
  const folder = dirname(path)
  return new Promise(resolve => {
    if (signal.aborted) return resolve(unread(folder))
    const take = (found: string | undefined | Outcome) => {
      forget()
      resolve(found)
    }
    const one = { folder, go: () => read(path).then(take) }
    const forget = onAbort(signal, () => {
      waiting.delete(one)
      resolve(unread(folder))
    })
    waiting.add(one)
    fill()
  })
}

function fill() {
  for (const one of waiting) {
    if (reading.size >= TOGETHER) return
    if (reading.has(one.folder)) continue
    waiting.delete(one)
    reading.set(one.folder, Date.now())
    void one.go().then(() => {
      reading.delete(one.folder)
      fill()
    })
  }
}

function unread(folder: string): Outcome {
  const since = reading.get(folder)
  const why =
    since === undefined
      ? 'other files are still being read'
      : `no answer from the file system since ${new Date(since).toISOString()}`
  return failed('local-error', 'SOCKERR', why)
}

/** The first KiB; undefined: no such file. */
async function read(path: string): Promise<string | undefined | Outcome> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    const failure = failureOf(code, message)
    return failure.reason === 'local-error' ? failure : failed('local-error', 'SOCKERR', message)
  }
}
