import { collector, type Finding, type ImportResult, type Report } from './finding.js'
import { descendants } from './keepalived-block.js'
import { conditionIds } from './keepalived-definitions.js'
import { nameDirectors } from './keepalived-directors.js'
import { emit } from './keepalived-emit.js'
import type { IncludeFiles } from './keepalived-lines.js'
import type { Node } from './keepalived-parse.js'
import { readSide } from './keepalived-side.js'
import { safeName } from './keepalived-values.js'
import { writeYaml } from './yaml-writer.js'

export type KeepalivedSource = {
  /** As findings name it; relative includes are looked up beside it. */
  readonly file: string
  readonly text: string
  /** Name of the director whose file this is. Default: its router_id, else d1 or d2 by priority. */
  readonly node?: string
  /** Its own addresses, where the file does not say. */
  readonly addresses?: readonly string[]
  /** What `@id` conditions are compared with (`keepalived -i`). Default: the node's name. */
  readonly id?: string
}

export type KeepalivedOptions = {
  /** Reads what `include` names; without it, includes are reported. See include-files.ts. */
  readonly files?: IncludeFiles
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * keepalived.conf -> our YAML: one director's file, or both directors' files merged into one. A single file whose lines
 * carry `@id` conditions stands for all the directors that they tell apart. Never throws on any text.
 */
export function importKeepalived(sources: readonly KeepalivedSource[], options: KeepalivedOptions = {}): ImportResult {
  const { report, findings } = collector()
  const expanded = byCondition(sources, report)
  const ids = new Set(expanded.map(({ id, node }) => id ?? node ?? 'd1'))
  const sides = expanded.map(({ file, text, id, node }) => {
    const asked = id !== undefined || node !== undefined
    return readSide(file, text, { id: id ?? node ?? 'd1', others: { ids, asked }, ...options }, report)
  })
  if (!sides.some(side => side.readable)) {
    const [first] = sources
    const place = { file: first?.file ?? '', line: 1, statement: first?.text.trim().split('\n')[0] ?? '' }
    report(place, 'lost', 'unreadable', 'Not one statement of keepalived was found here.', 'Is this a keepalived.conf?')
    return { yaml: '', findings: sorted(findings), status: 'unreadable' }
  }
  const root = emit(
    nameDirectors(
      sides,
      expanded.map(({ node, addresses }) => ({ name: node, addresses })),
      report,
    ),
    report,
  )
  const lost = sorted(findings).filter(({ severity }) => severity === 'lost')
  const head = [
    `Imported from keepalived: ${sources.map(({ file }) => file).join(', ')}`,
    ...(lost.length > 0 ? ['Not carried over (see the report of the import):'] : []),
    ...lost.map(({ file, line, statement, code }) =>
      `  ${file}:${line} ${code}: ${statement}`.replace(/[\r\n]+/g, ' '),
    ),
  ]
  const [first, ...others] = sides
  const said = new Set(others.length > 0 && first ? first.root.flatMap(everything).flatMap(linesOf) : [])
  const rest = sides.flatMap((side, index) =>
    side.root.flatMap(everything).filter(node => index === 0 || !linesOf(node).every(line => said.has(line))),
  )
  const last = [...new Set(sides.flatMap(side => side.last))]
  return {
    yaml: writeYaml(root, { head, rest, last }),
    findings: sorted(findings),
    status: lost.length > 0 ? 'partial' : 'complete',
  }
}

function everything(node: Node): readonly Node[] {
  return [node, ...descendants(node)]
}

function linesOf({ before, after }: Node): readonly string[] {
  return after === undefined ? before : [...before, after]
}

/** One file for several directors: read once for each id that its conditions name, and for any other where they name one only. */
function byCondition(sources: readonly KeepalivedSource[], report: Report): readonly KeepalivedSource[] {
  const [only] = sources
  if (!only || sources.length !== 1 || only.id !== undefined || only.node !== undefined) return sources
  const [first, ...more] = conditionIds(only.text)
  if (first === undefined) return sources
  if (more.length === 0) {
    const line = only.text.split('\n').findIndex(text => conditionIds(text).length > 0)
    report(
      { file: only.file, line: line + 1, statement: only.text.split('\n')[line]?.trim() ?? '' },
      'note',
      'other-director',
      `Conditions tell ${first} (keepalived -i ${first}) from every other machine.`,
      'The YAML has two directors: this one and "other".',
    )
    more.push('other')
  }
  return [first, ...more].map(id => ({ ...only, id, node: safeName(id) }))
}

function sorted(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1))
}
