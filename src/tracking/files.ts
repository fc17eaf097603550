import { readFileSync } from 'node:fs'

/** The number that a tracked file holds (keepalived's track_file); a missing or unreadable one counts as 0, with its reason. */
export function numberIn(path: string): { readonly number: number } | { readonly trouble: string } {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
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
