import type { Bytes, Match } from '../check-config.js'
import type { Path } from '../problem.js'
import { defined } from './defined.js'
import type { ProbeContext } from './probe-context.js'

/** One way of matching, with a regular expression that compiles. */
export function match(at: ProbeContext, path: Path, given: MatchFile | undefined): Match | undefined {
  if (given === undefined) return undefined
  if (typeof given.contains === 'string') return { contains: { text: given.contains } }
  const { contains, equals, regex, flags } = given
  const ways = [contains, equals, regex].filter(way => way !== undefined)
  if (ways.length !== 1)
    at.report.error('match-one', path, 'an answer is matched in one way', {
      suggestion: 'one of: contains, equals, regex',
      at: 'key',
    })
  if (flags !== undefined && regex === undefined) needs(at, 'flags', 'regex')
  if (regex !== undefined) {
    checkRegex(at, [...path, 'regex'], regex, flags)
    return { regex, ...defined({ flags }) }
  }
  return equals === undefined ? { contains: contains ?? { text: '' } } : { equals }
}

type MatchFile = {
  readonly contains?: string | Bytes | undefined
  readonly equals?: Bytes | undefined
  readonly regex?: string | undefined
  readonly flags?: string | undefined
}

/** RE2 is the engine; its words for flags and names aside, what this accepts is a subset of JavaScript's syntax. */
export function checkRegex({ report }: ProbeContext, path: Path, regex: string, flags: string | undefined): void {
  if (/\(\?<?[=!]|\\[1-9]|\\k</.test(regex.replace(/\\\\/g, ''))) {
    report.error('bad-regex', path, 'look-around and back references are not available: the engine is RE2')
    return
  }
  try {
    new RegExp(
      regex
        .replace(/\(\?P</g, '(?<')
        .replace(/\(\?[imsU-]+:/g, '(?:')
        .replace(/\(\?[imsU-]+\)/g, ''),
      flags,
    )
  } catch (error) {
    report.error(
      'bad-regex',
      path,
      `the regular expression is broken: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`,
    )
  }
}

/** A key that has no meaning without another one. */
export function needs({ path, report }: ProbeContext, key: string, other: string): void {
  report.error('key-needs', [...path, key], `${key} needs ${other}`, { at: 'key' })
}
