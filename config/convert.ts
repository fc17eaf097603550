import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair } from 'yaml'
import { type Environment, substitute } from './environment.js'
import { isMerge } from './locate.js'

/** More than this many values are a mistake (or an attack by aliases of aliases), not a configuration. */
export const maxValues = 3_000_000

type Report = (code: string, node: Node | undefined, message: string, suggestion?: string) => void

/** The tree as plain data. What YAML would take silently but people do not mean is reported. */
export function convert(
  document: Document.Parsed,
  root: Node,
  env: Environment,
  report: Report,
): Record<string, unknown> {
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
