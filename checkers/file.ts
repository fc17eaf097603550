import { open } from 'node:fs/promises'
import { excerpt, failed, failureOf } from './errors.js'
import { onAbort } from './on-abort.js'
import type { Outcome, Probe } from './ports.js'
import type { FileSpec } from './spec.js'

/** A file on this director: that it is there, or the number in it (keepalived's track_file). */
export function fileProbe({ path, weight = 0, exists }: FileSpec): Probe {
  return async ({ address, port }, signal) => {
    if (!(await turn(signal))) return failed('local-error', 'SOCKERR', 'other files are still being read')
    const text = await read(path.replaceAll('{address}', address).replaceAll('{port}', String(port))).finally(next)
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
 * Files that are read at once. On a dead network mount reading never ends, and holds one of the four threads on which this process does
 * all that has to do with files: the others are not for checks.
 */
const TOGETHER = 2
let reading = 0
const waiting = new Set<() => void>()

/** false: the signal came first. */
function turn(signal: AbortSignal): Promise<boolean> | boolean {
  if (reading < TOGETHER) {
    reading++
    return true
  }
  if (signal.aborted) return false
  return new Promise(resolve => {
    const go = () => {
      forget()
      resolve(true)
    }
    waiting.add(go)
    const forget = onAbort(signal, () => {
      waiting.delete(go)
      resolve(false)
    })
  })
}

function next() {
  const [first] = waiting
  if (first) {
    waiting.delete(first)
    first()
  } else reading--
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
