import { RE2JS } from 're2js'
import type { Bytes, Match } from './spec.js'

/** Bytes as written in the file. */
export function bytesOf(bytes: Bytes): Buffer {
  return 'text' in bytes ? Buffer.from(bytes.text, 'utf8') : Buffer.from(bytes.hex.replace(/\s+/g, ''), 'hex')
}

export type Matcher = (answer: Buffer) => boolean

/** Prepares a match once; throws RE2JSSyntaxException for a pattern outside RE2. */
export function matcherOf(match: Match): Matcher {
  if ('contains' in match) {
    const wanted = bytesOf(match.contains)
    return answer => answer.includes(wanted)
  }
  if ('equals' in match) {
    const wanted = bytesOf(match.equals)
    return answer => answer.equals(wanted)
  }
  const regex = regexOf(match.regex, match.flags)
  return answer => regex(answer.toString('latin1'))
}

/** A search in time linear to the text: no pattern of the operator's and no answer of a server can hold the loop. */
export function regexOf(pattern: string, flags = ''): (text: string) => boolean {
  const bits =
    (flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0) |
    (flags.includes('m') ? RE2JS.MULTILINE : 0) |
    (flags.includes('s') ? RE2JS.DOTALL : 0)
  const compiled = RE2JS.compile(pattern, bits)
  return text => compiled.matcher(text).find()
}
