import { type Document, isMap, isScalar, isSeq, type Pair, parseDocument, Scalar } from 'yaml'
import type { Config } from '../../config/config.js'
import { elsewhere } from './elsewhere.js'
import { load } from './load.js'

/** One slip of an editor's hand, and what may come of it. */
export type Mutation = {
  readonly what: string
  readonly text: string
  /**
   * rejected: an error, always. same: an error, or the same configuration. taken: an error, or `word` arrives somewhere. local: an
   * error, or the same configuration but for the one entry or setting that the place belongs to. any: no crash.
   */
  readonly expects: 'rejected' | 'same' | 'taken' | 'local' | 'any'
  readonly path: readonly (string | number)[]
  readonly word?: string
}

/** Every place of a document, as the keys and positions that lead to it. */
export function places(text: string): (string | number)[][] {
  const found: (string | number)[][] = []
  function walk(node: unknown, path: (string | number)[]): void {
    if (path.length > 0) found.push(path)
    if (isMap(node)) for (const pair of node.items) walk(pair.value, [...path, String((pair.key as Scalar).value)])
    if (isSeq(node)) for (const [index, item] of node.items.entries()) walk(item, [...path, index])
  }
  walk(parseDocument(text).contents, [])
  return found
}

/** Every mutation of one place. */
export function mutationsOf(text: string, path: readonly (string | number)[]): Mutation[] {
  const at = path.join('.')
  const result: Mutation[] = []
  function add(
    what: string,
    expects: Mutation['expects'],
    change: (document: Document) => boolean,
    word?: string,
  ): void {
    const document = parseDocument(text)
    if (!change(document)) return
    const changed = written(document)
    if (changed === undefined) return
    result.push({ what: `${what} ${at}`, expects, path, text: changed, ...(word === undefined ? {} : { word }) })
  }
  const last = path.at(-1) ?? ''
  const node = parseDocument(text).getIn(path, true)

  // A pool for anchors means nothing by itself; what is made of it is said where it is used.
  const local = String(path[0]).startsWith('x-') ? 'any' : 'local'
  add('delete', local, document => document.deleteIn(path))
  add('empty', last === 'equals' ? 'local' : 'rejected', document => set(document, path, null))
  if (typeof last === 'string') {
    add('repeat', 'rejected', document => {
      const pairs = pairsAt(document, path)
      const pair = pairs.find(({ key }) => String((key as Scalar).value) === last)
      if (pair === undefined) return false
      pairs.push(pair)
      return true
    })
    add(
      'misspell the key',
      last.startsWith('x-') ? 'any' : named(path) ? 'taken' : 'rejected',
      document => {
        const pair = pairsAt(document, path).find(({ key }) => String((key as Scalar).value) === last)
        if (pair === undefined) return false
        pair.key = new Scalar(`${last}q`)
        return true
      },
      `${last}q`,
    )
  } else
    add('repeat', countsTwice(path) ? 'local' : local === 'any' ? 'any' : 'rejected', document => {
      const parent = document.getIn(path.slice(0, -1), true)
      if (!isSeq(parent)) return false
      parent.items.splice(last, 0, parent.items[last])
      return true
    })
  const typed = last === 'equals'
  add('make a list of', 'same', document => set(document, path, [[77]]))
  add('make a mapping of', 'rejected', document => set(document, path, { zz: 77 }))
  if (isScalar(node)) {
    const { value } = node
    if (typeof value === 'string') {
      add('misspell', 'taken', document => set(document, path, `${value}zq`), `${value}zq`)
      if (!typed) add('make a number of', 'rejected', document => set(document, path, 77_777_777))
    } else {
      if (!typed) add('make text of', 'same', document => set(document, path, 'zq'))
      add('quote', 'same', document => set(document, path, String(value)))
    }
    if (typeof value === 'number' && path[0] !== 'sysctls')
      add('drop the sign of', 'rejected', document => set(document, path, -1_000_000_000))
  } else add('make text of', 'taken', document => set(document, path, 'zq'), 'zq')
  return result
}

/** Why a mutation is not treated as it must be; undefined: it is. */
export function judge({ text, expects, path, word }: Mutation, original: Config): string | undefined {
  const loaded = load(text, {}, { static: true })
  if (!loaded.ok) return loaded.errors.length > 0 ? undefined : 'rejected without a reason'
  if (expects === 'rejected') return 'accepted'
  const gone = loaded.config.alerts.length < original.alerts.length
  if (expects === 'local' && elsewhere(loaded.config, path, gone) !== elsewhere(original, path))
    return 'accepted, and means something else elsewhere'
  if (expects === 'same' && content(loaded.config) !== content(original)) return 'accepted, and means something else'
  if (
    expects === 'taken' &&
    !content(loaded.config)
      .toLowerCase()
      .includes(
        JSON.stringify(word ?? '')
          .slice(1, -1)
          .toLowerCase(),
      )
  )
    return 'accepted, but ignored'
  return undefined
}

/** What the configuration means, whatever the text was. */
function content({ hash: _, ...config }: Config): string {
  return JSON.stringify(config)
}

/** Lists whose entries may well stand there twice: words of a program, what is sent and expected in turn. */
function countsTwice(path: Mutation['path']): boolean {
  return ['argv', 'arguments', 'steps'].includes(String(path.at(-2)))
}

/** undefined: an alias has lost its anchor, which is no text that anybody could have written. */
function written(document: Document): string | undefined {
  try {
    return String(document)
  } catch {
    return undefined
  }
}

function set(document: Document, path: readonly (string | number)[], value: unknown): boolean {
  document.setIn(path, document.createNode(value))
  return true
}

function pairsAt(document: Document, path: readonly (string | number)[]): Pair[] {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  return isMap(parent) ? parent.items : []
}

/** Keys that are the operator's own words. */
function named(path: readonly (string | number)[]): boolean {
  const parent = path.at(-2)
  const maps = ['directors', 'virtual_routers', 'checks', 'virtual_servers', 'scripts', 'files', 'processes']
  const inner = ['headers', 'env', 'metadata', 'interfaces', 'sysctls', 'labels', 'priorities', 'keys']
  return (
    (path.length === 2 && maps.includes(String(parent))) ||
    inner.includes(String(parent)) ||
    path[0] === 'x-pool' ||
    path.includes('track')
  )
}

/** The same sequence of numbers below 2^32 in every run. */
export function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    return state
  }
}

/** The text with a few characters removed, doubled, or replaced by ones that mean something to YAML. */
export function scribble(text: string, next: () => number): string {
  const signs = [
    '\n',
    ' ',
    ':',
    '-',
    '[',
    ']',
    '{',
    '}',
    ',',
    '#',
    '&',
    '*',
    '!',
    '|',
    '>',
    "'",
    '"',
    '%',
    '@',
    '`',
    '\t',
    '?',
    '\0',
    '0',
    'é',
  ]
  let result = text
  for (let edits = 1 + (next() % 3); edits > 0; edits--) {
    const at = next() % result.length
    const sign = signs[next() % signs.length] ?? ''
    const length = next() % 3
    result = result.slice(0, at) + (next() % 2 === 0 ? sign : result.slice(at, at + 7)) + result.slice(at + length)
  }
  return result
}
