import { dirname, isAbsolute, join } from 'node:path'
import type { Place, Report } from './finding.js'
import {
  applyConditions,
  type Builtins,
  parseDefinition,
  parseRepetition,
  replaceFirst,
  restoreLiterals,
} from './keepalived-definitions.js'
import { decomment, splitBraces } from './keepalived-words.js'

/** What is left of the files when lines are lines no more: statements and braces, each with its place. */
export type Piece = Place & {
  /** `{`, `}` or one statement. */
  readonly text: string
  /** Comment lines above it. */
  readonly before: readonly string[]
  /** The comment behind it. */
  readonly after?: string
}

/** The files that an `include` may name. Implemented over a real folder by include-files.ts. */
export interface IncludeFiles {
  /** Paths that match a glob(3) pattern with braces, sorted. */
  list(pattern: string): readonly string[]
  /** undefined: no regular file, or not readable. keepalived skips files with any execute bit. */
  read(path: string): { readonly text: string; readonly executable: boolean } | undefined
}

export type LineOptions = {
  /** The configuration id that `@id` conditions are compared with. */
  readonly id: string
  /** All ids that the files are read for; `asked`: somebody said that they are all that matter. */
  readonly others?: { readonly ids: ReadonlySet<string>; readonly asked: boolean }
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly files?: IncludeFiles
}

// lib/parser.h: MAXBUF 1024, the closing zero included.
const longestLine = 1023
const deepestInclude = 32
const mostPieces = 500_000
const mostRounds = 200

/**
 * Reads keepalived's line language as its parser does: never throws, every oddity becomes a finding. `last` holds the
 * comments below the last statement.
 */
export function readPieces(
  file: string,
  text: string,
  options: LineOptions,
  report: Report,
): { pieces: Piece[]; last: readonly string[] } {
  const pieces: Piece[] = []
  const definitions = new Map<string, string>()
  let open: { name: string; lines: string[] } | undefined
  let pending: string[] = []
  let full = false

  function readFile(name: string, content: string, depth: number): void {
    const builtins: Builtins = { folder: dirname(name), id: options.id, env: options.env ?? {} }
    content.split('\n').forEach((raw, index) => {
      for (const part of parts(raw, { file: name, line: index + 1, statement: raw.trim() })) {
        readLine(part, { file: name, line: index + 1, statement: '' }, builtins, depth)
      }
    })
  }

  function parts(raw: string, place: Place): string[] {
    const line = raw.replace(/\r+$/, '')
    if (line.includes('\0')) {
      report(place, 'trap', 'nul-byte', 'keepalived ignores a line with a NUL byte.', 'Not carried over.')
      return []
    }
    if (Buffer.byteLength(line) <= longestLine) return [line]
    report(
      { ...place, statement: `${line.trim().slice(0, 60)}...` },
      'trap',
      'line-too-long',
      `keepalived ignores the first ${longestLine} bytes of this line and reads the rest as a line of its own.`,
      'The YAML has what keepalived made of it; write the statement anew.',
    )
    return parts(Buffer.from(line).subarray(longestLine).toString(), place)
  }

  function readLine(raw: string, at: Place, builtins: Builtins, depth: number): void {
    const { text: line, comment, oddQuotes } = decomment(raw)
    const place = { ...at, statement: line }
    if (oddQuotes)
      report(
        place,
        'trap',
        'odd-quotes',
        'This line has an odd number of ".',
        'keepalived reads on to the end of the line.',
      )
    if (line === '') {
      if (comment !== undefined) pending.push(comment)
      return
    }
    const include = /^include([rmwba]?)\s+(.+)$/.exec(line)
    const first = pieces.length
    if (include && !open) readInclude(include[1] ?? '', unquote(include[2] ?? ''), place, depth)
    else feed(line, place, builtins, 0)
    const last = pieces.at(-1)
    if (comment === undefined) return
    if (last && pieces.length > first) pieces[pieces.length - 1] = { ...last, after: comment }
    else pending.push(comment)
  }

  function feed(line: string, place: Place, builtins: Builtins, round: number): void {
    if (open) {
      const more = line.endsWith('\\')
      open.lines.push((more ? line.slice(0, -1) : line).trim())
      if (more) return
      definitions.set(open.name, open.lines.filter(text => text !== '').join('\n'))
      open = undefined
      return
    }
    if (full) return
    if (round > mostRounds || pieces.length > mostPieces) {
      full = true
      report(place, 'lost', 'too-large', 'The definitions unfold without end.', 'Nothing after this line was read.')
      return
    }
    const text = applyConditions(line, builtins.id)
    if (text === undefined) return otherId(line, place)
    if (text === '') return
    const definition = parseDefinition(text)
    if (definition) {
      const { name, value } = definition
      if (value.endsWith('\\')) open = { name, lines: [value.slice(0, -1).trim()] }
      else definitions.set(name, value.trim())
      return
    }
    const repetition = parseRepetition(text, mostPieces)
    if (repetition) {
      if ('error' in repetition) report(place, 'lost', 'bad-repetition', repetition.error, 'The line was not read.')
      else for (const binding of repetition.bindings) feedWith(binding, repetition.rest, place, builtins, round)
      return
    }
    const replaced = replaceFirst(text, definitions, builtins)
    if (!replaced) return emit(text, place)
    if (replaced.random)
      report(
        place,
        'lost',
        'random-value',
        'keepalived takes another random number at each start.',
        'The YAML has the smallest one.',
      )
    for (const part of replaced.text.split('\n')) {
      const again = decomment(part).text
      if (again !== '') feed(again, place, builtins, round + 1)
    }
  }

  /** A line whose condition fails is another director's; it is told where nobody is read who takes it. */
  function otherId(line: string, place: Place): void {
    const { ids, asked } = options.others ?? { ids: new Set([options.id]), asked: false }
    if ([...ids].some(id => applyConditions(line, id) !== undefined)) return
    report(
      place,
      asked ? 'note' : 'lost',
      'other-id',
      'This line is for a director with another configuration id (keepalived -i).',
      `Not in the YAML, which is for ${[...ids].join(' and ')}; name the others with --nodes.`,
    )
  }

  function feedWith(
    binding: ReadonlyMap<string, string>,
    rest: string,
    place: Place,
    builtins: Builtins,
    round: number,
  ) {
    for (const [name, value] of binding) definitions.set(name, value)
    feed(rest, place, builtins, round + 1)
    for (const name of binding.keys()) definitions.delete(name)
  }

  function emit(text: string, place: Place): void {
    for (const piece of splitBraces(text)) {
      pieces.push({ ...place, text: restoreLiterals(piece), before: pending })
      pending = []
    }
  }

  function readInclude(strictness: string, pattern: string, place: Place, depth: number): void {
    if (!options.files) return lost('an include that nobody can read here')
    if (depth >= deepestInclude) return lost('files that include each other')
    const paths = options.files.list(isAbsolute(pattern) ? pattern : join(dirname(place.file), pattern))
    if (paths.length === 0) {
      const says = strictness === '' ? 'only logs' : 'reports as an error'
      report(
        place,
        'trap',
        'include-nothing',
        `Nothing matches this pattern, which keepalived ${says}.`,
        'Nothing was included.',
      )
    }
    for (const path of paths) {
      const found = options.files.read(path)
      if (!found) lost(`${path}, which cannot be read`)
      else if (found.executable) {
        const meaning = `keepalived skips ${path}: it is executable.`
        report(place, 'trap', 'include-executable', meaning, `Not included. To include it: chmod a-x ${path}`)
      } else readFile(path, found.text, depth + 1)
    }

    function lost(what: string): void {
      report(place, 'lost', 'include-not-read', `This includes ${what}.`, 'Import the files together where they lie.')
    }
  }

  readFile(file, text, 0)
  return { pieces, last: pending }
}

function unquote(text: string): string {
  return text.replace(/^"(.*)"$/, '$1')
}
