import { excerpt, failed, failureOf } from './errors.js'
import { readStart, unread } from './file-start.js'
import { onAbort } from './on-abort.js'
import type { Outcome, Probe } from './ports.js'
import type { FileSpec } from './spec.js'

/** A file on this director: that it is there, or the number in it (keepalived's track_file). */
export function fileProbe({ path, weight = 0, exists }: FileSpec): Probe {
  return async ({ address, port }, signal) => {
    const text = await textIn(path.replaceAll('{address}', address).replaceAll('{port}', String(port)), signal)
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

/** Waits for the file no longer than the signal. undefined: no such file. */
function textIn(path: string, signal: AbortSignal): Promise<string | undefined | Outcome> {
  return new Promise(resolve => {
    const late = () => resolve(failed('local-error', 'SOCKERR', unread(path)))
    if (signal.aborted) return late()
    const giveUp = readStart(path, start => {
      forget()
      if ('text' in start) resolve(start.text)
      else if (start.errno === 'ENOENT' || start.errno === 'ENOTDIR') resolve(undefined)
      else resolve(unreadable(start.errno, start.message))
    })
    const forget = onAbort(signal, () => {
      giveUp()
      late()
    })
  })
}

function unreadable(errno: string, message: string): Outcome {
  const failure = failureOf(errno, message)
  return failure.reason === 'local-error' ? failure : failed('local-error', 'SOCKERR', message)
}
