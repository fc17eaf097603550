import { RE2JS } from 're2js'
import type { Bytes, Match } from './spec.js'

/** Bytes as written in the file. */
export function bytesOf(bytes: Bytes): Buffer {
  return 'text' in bytes ? Buffer.from(bytes.text, 'utf8') : Buffer.from(bytes.hex.replace(/\s+/g, ''), 'hex')
}

export type Matcher = {
  /** `seen`: so many of the bytes have been looked at before, in vain. */
  matches(answer: Buffer, seen?: number): boolean
  /** May take long: to be examined in its turn (examine.ts). */
  readonly costly: boolean
}

/** Prepares a match once; throws RE2JSSyntaxException for a pattern outside RE2. */
export function matcherOf(match: Match): Matcher {
  if ('contains' in match) {
    const wanted = bytesOf(match.contains)
    return {
      matches: (answer, seen = 0) => answer.includes(wanted, Math.max(0, seen - wanted.length + 1)),
      costly: false,
    }
  }
  if ('equals' in match) {
    const wanted = bytesOf(match.equals)
    return { matches: answer => answer.equals(wanted), costly: false }
  }
  const regex = regexOf(match.regex, match.flags)
  return { matches: answer => regex(answer.toString('latin1', 0, SEARCHED)), costly: true }
}

/** A pattern is searched in so many characters of an answer: at worst some hundred milliseconds. */
export const SEARCHED = 2 ** 18

/** A search in time linear to the text, whatever the pattern; of long texts still long enough to be given a turn of its own. */
export function regexOf(pattern: string, flags = ''): (text: string) => boolean {
  const bits =
    (flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0) |
    (flags.includes('m') ? RE2JS.MULTILINE : 0) |
    (flags.includes('s') ? RE2JS.DOTALL : 0)
  const compiled = RE2JS.compile(pattern, bits)
  return text => compiled.matcher(text.length > SEARCHED ? text.slice(0, SEARCHED) : text).find()
}
