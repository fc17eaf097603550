import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair } from 'yaml'
import type { Path } from './problem.js'

/** The place of the value (or of its key) that the path leads to, as far as the path exists. */
export function locate(
  document: Document.Parsed,
  root: Node,
  path: Path,
  where: 'key' | 'value',
): readonly [number, number] {
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

export function isMerge(key: { value: unknown; type?: string | undefined }): boolean {
  return (key.value === '<<' && key.type === 'PLAIN') || typeof key.value === 'symbol'
}
