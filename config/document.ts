import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml'
import { type Environment, substitute } from './environment.js'
import { type Finding, finding, type Place } from './finding.js'
import { type Path, snippet } from './problem.js'

/** One file as read: its plain data, and where each value stands. */
export type SourceFile = {
  readonly file: string
  readonly data: Readonly<Record<string, unknown>>
  readonly place: (path: Path, at?: 'key' | 'value') => Place
}

/** More than this many values are a mistake (or an attack by aliases of aliases), not a configuration. */
const maxValues = 3_000_000

/** Text -> data with positions, or every reason why it is no single clean YAML mapping. Never throws on any text. */
export function readDocument(
  file: string,
  text: string,
  env: Environment,
): { readonly source: SourceFile; readonly findings: readonly Finding[] } {
  const findings: Finding[] = []
  const counter = new LineCounter()
  const lines = text.split('\n')

  function at(start: number, end: number): Place {
    const { line, col } = counter.linePos(Math.min(start, text.length))
    return placeAt(line, col, Math.max(1, end - start))
  }
  function placeAt(line: number, col: number, width: number): Place {
    const [row, column] = line < 1 ? [1, 1] : [line, Math.max(1, col)]
    return { file, line: row, col: column, snippet: snippet(lines[row - 1] ?? '', column, width) }
  }
  const top = placeAt(1, 1, 1)
  const empty: SourceFile = { file, data: {}, place: () => top }

  if (text.startsWith('\uFEFF'))
    return {
      source: empty,
      findings: [finding('yaml-bom', top, 'the file starts with a byte order mark', 'save it as UTF-8 without BOM')],
    }
  if (text.includes('\0') || text.includes('\uFFFD'))
    return { source: empty, findings: [finding('yaml-encoding', top, 'the file is no UTF-8 text', 'save it as UTF-8')] }

  const document = parse(text, counter)
  if (document === undefined)
    return { source: empty, findings: [finding('yaml-too-deep', top, 'the file is nested too deeply')] }
  if (document.errors.some(({ message }) => /call stack/i.test(message)))
    return { source: empty, findings: [finding('yaml-too-deep', top, 'the file is nested too deeply')] }
  // One slip often brings down the lines below it: the first few say enough.
  for (const error of document.errors.slice(0, 5)) {
    const [code, message, suggestion] = explain(error.code, error.message)
    findings.push(finding(code, at(error.pos[0], error.pos[1]), message, suggestion))
  }
  if (findings.length > 0) return { source: empty, findings }
  for (const warning of document.warnings)
    findings.push(finding('yaml-syntax', at(warning.pos[0], warning.pos[1]), firstLine(warning.message)))

  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null))
    return {
      source: empty,
      findings: [finding('yaml-empty', top, 'the file is empty', 'docs/configuration.md starts with the smallest one')],
    }
  if (!isMap(root))
    return {
      source: empty,
      findings: [finding('yaml-root', top, 'expected a mapping such as `directors: ...` at the top')],
    }

  const data = convert(document, root, env, (code, node, message, suggestion) => {
    const [start, end] = node?.range ?? [0, 1]
    findings.push(finding(code, at(start, end), message, suggestion))
  })
  return {
    source: {
      file,
      data,
      place: (path, where = 'value') => {
        const [start, end] = locate(document, root, path, where)
        return at(start, end)
      },
    },
    findings,
  }
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(text, {
      lineCounter,
      uniqueKeys: false,
      prettyErrors: false,
      version: '1.2',
      merge: true,
      stringKeys: false,
    })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function explain(code: string, message: string): [code: string, message: string, suggestion?: string] {
  switch (code) {
    case 'TAB_AS_INDENT':
      return ['yaml-tab', 'tab in the indentation', 'indent with blanks']
    case 'MULTIPLE_DOCS':
      return [
        'yaml-documents',
        'a second document starts here',
        'one file holds one document: remove the ---, or use include',
      ]
    case 'BAD_ALIAS':
      return ['yaml-alias', firstLine(message)]
    default:
      if (/\t/.test(message) || /\btabs?\b/i.test(message))
        return ['yaml-tab', 'tab in the indentation', 'indent with blanks']
      return ['yaml-syntax', firstLine(message)]
  }
}

function firstLine(message: string): string {
  const line = message.split('\n')[0] ?? message
  return line.charAt(0).toLowerCase() + line.slice(1)
}

type Report = (code: string, node: Node | undefined, message: string, suggestion?: string) => void

/** The tree as plain data. What YAML would take silently but people do not mean is reported. */
function convert(document: Document.Parsed, root: Node, env: Environment, report: Report): Record<string, unknown> {
  const known = new Map<Node, { value: unknown; values: number }>()
  const open = new Set<Node>()
  let values = 0

  function value(node: unknown): unknown {
    if (++values > maxValues) return undefined
    if (isAlias(node)) return aliased(node)
    if (isScalar(node)) return scalar(node)
    if (isSeq(node)) return list(node)
    if (isMap(node)) return map(node.items, node)
    return null
  }

  function list(node: Node & { items: unknown[] }): unknown[] {
    open.add(node)
    const result = node.items.map(value)
    open.delete(node)
    return result
  }

  function aliased(node: Node & { source: string }): unknown {
    const target = isAlias(node) ? node.resolve(document) : undefined
    if (target === undefined) {
      report('yaml-alias', node, `there is no anchor &${node.source} before this`)
      return undefined
    }
    if (open.has(target)) {
      report('yaml-alias', node, `the anchor &${node.source} contains itself`)
      return undefined
    }
    const earlier = known.get(target)
    if (earlier !== undefined) {
      values += earlier.values
      return earlier.value
    }
    const before = values
    const result = value(target)
    known.set(target, { value: result, values: values - before })
    return result
  }

  function scalar(node: Node & { value: unknown; source?: string; type?: string }): unknown {
    const plain = node.type === 'PLAIN'
    if (typeof node.value === 'string') {
      if (!node.value.includes('${env:')) return node.value
      return substitute(node.value, plain, env, (code, message, suggestion) => report(code, node, message, suggestion))
    }
    if (typeof node.value === 'number' && plain && !/^(0|-?[1-9]\d*|-?(0|[1-9]\d*)\.\d+)$/.test(node.source ?? '')) {
      report(
        'number-format',
        node,
        `${node.source} may be read as ${node.value}`,
        `write ${node.value}, or quote it if it is text`,
      )
    }
    if (typeof node.value === 'bigint' || (typeof node.value === 'number' && !Number.isFinite(node.value))) {
      report('number-format', node, `${node.source} is no number that can be used`)
      return undefined
    }
    return node.value
  }

  function map(pairs: readonly Pair[], node: Node): Record<string, unknown> {
    const result: Record<string, unknown> = {}
    const lines = new Map<string, Node>()
    const merges: Pair[] = []
    open.add(node)
    for (const pair of pairs) {
      const key = isAlias(pair.key) ? pair.key.resolve(document) : pair.key
      if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
        report('yaml-key', isNode(pair.key) ? pair.key : node, 'a key must be a plain word')
        continue
      }
      if (isMerge(key)) {
        if (merges.length > 0) report('duplicate-key', key, '<< stands here twice', 'write <<: [*one, *two]')
        merges.push(pair)
        continue
      }
      const word = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
      if (word === '__proto__') {
        report('yaml-key', key, 'a key must not be called __proto__')
        continue
      }
      if (lines.has(word)) {
        report(
          'duplicate-key',
          key,
          `the key "${word}" stands here twice`,
          'the first one would be lost: remove or rename one',
        )
        continue
      }
      lines.set(word, key)
      result[word] = value(pair.value)
    }
    for (const pair of merges) merge(result, pair)
    open.delete(node)
    return result
  }

  /** `<<: *anchor` or `<<: [*a, *b]`: what is written here wins, then the first of the list. */
  function merge(result: Record<string, unknown>, pair: Pair): void {
    const written = value(pair.value)
    for (const part of Array.isArray(written) ? written : [written]) {
      if (typeof part !== 'object' || part === null || Array.isArray(part)) {
        report(
          'yaml-merge',
          isNode(pair.value) ? pair.value : undefined,
          '<< expects an alias of a mapping, or a list of them',
        )
        continue
      }
      for (const [key, inherited] of Object.entries(part)) if (!(key in result)) result[key] = inherited
    }
  }

  const data = value(root)
  if (values > maxValues)
    report('yaml-too-large', root, `more than ${maxValues} values`, 'aliases of aliases grow fast')
  return values > maxValues ? {} : (data as Record<string, unknown>)
}

function isMerge(key: { value: unknown; type?: string | undefined }): boolean {
  return (key.value === '<<' && key.type === 'PLAIN') || typeof key.value === 'symbol'
}

/** The place of the value (or of its key) that the path leads to, as far as the path exists. */
function locate(document: Document.Parsed, root: Node, path: Path, where: 'key' | 'value'): readonly [number, number] {
  let node: unknown = root
  let key: unknown
  for (const [index, step] of path.entries()) {
    const pair = child(document, node, step)
    if (pair === undefined) return span(key ?? node)
    key = pair.key
    node = pair.value
    if (index === path.length - 1 && where === 'key') return span(key ?? node)
  }
  const missing = !isNode(node) || node.range === undefined || node.range === null || node.range[0] === node.range[1]
  return span(missing || isMap(node) || isSeq(node) ? (key ?? node) : node)
}

function child(
  document: Document.Parsed,
  parent: unknown,
  step: string | number,
): { key: unknown; value: unknown } | undefined {
  const node = isAlias(parent) ? parent.resolve(document) : parent
  if (isSeq(node)) {
    const item = node.items[Number(step)]
    return item === undefined ? undefined : { key: item, value: item }
  }
  if (!isMap(node)) return step === 0 ? { key: node, value: node } : undefined
  const own = pairsOf(document, node).get(String(step))
  if (own !== undefined) return own
  for (const pair of node.items) {
    if (!isScalar(pair.key) || !isMerge(pair.key)) continue
    const target = isAlias(pair.value) ? pair.value.resolve(document) : pair.value
    for (const part of isSeq(target) ? target.items : [target]) {
      const inherited = child(document, part, step)
      if (inherited !== undefined) return inherited
    }
  }
  return undefined
}

const indexed = new WeakMap<object, ReadonlyMap<string, Pair>>()

/** The pairs of a mapping by their keys; the first of equal ones. */
function pairsOf(document: Document.Parsed, node: { readonly items: readonly Pair[] }): ReadonlyMap<string, Pair> {
  const known = indexed.get(node)
  if (known !== undefined) return known
  const pairs = new Map<string, Pair>()
  for (const pair of node.items) {
    const key = keyText(document, pair.key)
    if (key !== undefined && !pairs.has(key)) pairs.set(key, pair)
  }
  indexed.set(node, pairs)
  return pairs
}

function keyText(document: Document.Parsed, key: unknown): string | undefined {
  const node = isAlias(key) ? key.resolve(document) : key
  if (!isScalar(node)) return undefined
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
}

function span(node: unknown): readonly [number, number] {
  if (!isNode(node) || !node.range) return [0, 1]
  const [start, end] = node.range
  return isScalar(node) || isAlias(node) ? [start, end] : [start, start + 1]
}
