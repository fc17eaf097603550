import { closeSync, constants, openSync, readSync } from 'node:fs'

/** The number that a tracked file holds (keepalived's track_file); a missing or unreadable one counts as 0, with its reason. */
export function numberIn(path: string): { readonly number: number } | { readonly trouble: string } {
  let text: string
  try {
    text = start(path).trim()
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

/** The first KiB. Looked at four times a second, in the loop that checks: a pipe that nobody writes must not hold it, nor a log file. */
function start(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const bytes = Buffer.alloc(1024)
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, null))
  } finally {
    closeSync(file)
  }
}
