import { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'

/** A statement of the original with the comments that stood above and behind it, and at the end of its block. */
export type Source = {
  readonly statement: string
  readonly before: readonly string[]
  readonly after?: string | undefined
  readonly last?: readonly string[] | undefined
}

/** Comments that belong to an entry. */
export type Comments = {
  /** The statement that the entry was made from. */
  readonly of?: Source
  /** Statements inside it: their comments stand above this entry where they have no entry of their own. */
  readonly rest?: readonly Source[]
  /** Words of our own behind the entry. */
  readonly after?: string
}

export type Value = string | number | boolean | Entries | Items

/** A mapping in the making, in the order in which it will be written. */
export type Entries = { readonly kind: 'map'; readonly pairs: { key: string; value: Value; comments: Comments }[] }
export type Items = { readonly kind: 'list'; readonly items: { value: Value; comments: Comments }[] }

export function entries(): Entries {
  return { kind: 'map', pairs: [] }
}

export function items(values: readonly Value[] = []): Items {
  return { kind: 'list', items: values.map(value => ({ value, comments: {} })) }
}

/** Sets a key, or leaves it out when there is no value (no text of the YAML may be empty). A key that is there keeps its place and gets the new value. */
export function put(map: Entries, key: string, value: Value | undefined, comments: Comments = {}): void {
  if (value === undefined || value === '') return
  const known = map.pairs.find(pair => pair.key === key)
  if (!known) map.pairs.push({ key, value, comments })
  else {
    known.value = value
    const earlier = known.comments.of ? [known.comments.of] : []
    known.comments = { ...comments, rest: [...earlier, ...(known.comments.rest ?? []), ...(comments.rest ?? [])] }
  }
}

export function append(list: Items, value: Value, comments: Comments = {}): void {
  list.items.push({ value, comments })
}

export function get(map: Entries, key: string): Value | undefined {
  return map.pairs.find(pair => pair.key === key)?.value
}

/** A mapping from a plain object; `undefined` is left out. */
export function mapOf(object: Readonly<Record<string, Value | undefined>>): Entries {
  const map = entries()
  for (const [key, value] of Object.entries(object)) put(map, key, value)
  return map
}

/** The values alone, for comparing. */
export function plain(value: Value): unknown {
  if (typeof value !== 'object') return value
  if (value.kind === 'list') return value.items.map(item => plain(item.value))
  return Object.fromEntries(value.pairs.map(pair => [pair.key, plain(pair.value)]))
}

export type Frame = {
  /** Lines at the top, ours. */
  readonly head: readonly string[]
  /** Every statement of the original: comments that no entry took are kept at the top too. */
  readonly rest: readonly Source[]
  /** Comments below the last statement. */
  readonly last: readonly string[]
}

/** The finished text: comments in place, short entries on one line. */
export function writeYaml(root: Entries, { head, rest, last }: Frame): string {
  const lines = gatherComments(root)
  const left = rest.filter(source => !lines.taken.has(source)).flatMap(allLines)
  const document = new Document()
  document.contents = mapNode(root, true, lines.of) as never
  const top = [...head.map(line => ` ${tidy(line).trim()}`.replace(/^ {2,}/, '   ')), ...left.map(tidy)]
  document.commentBefore = top.join('\n')
  if (last.length > 0) document.comment = last.map(tidy).join('\n')
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

type Lines = { readonly before: readonly string[]; readonly after?: string }

/** Where each comment goes: to the entry of its own statement, else to the innermost entry around it. */
function gatherComments(root: Entries): { of: (comments: Comments) => Lines; taken: ReadonlySet<Source> } {
  const taken = new Set<Source>()
  const found = new Map<Comments, Lines>()
  walk(root, ({ of }) => of && taken.add(of))
  walk(root, comments => {
    const { of, rest = [], after } = comments
    const more = rest.filter(source => !taken.has(source))
    for (const source of more) taken.add(source)
    const before = [...(of?.before ?? []), ...more.flatMap(allLines), ...(of?.last ?? [])]
    const behind = of?.after ?? after
    found.set(comments, { before, ...(behind === undefined ? {} : { after: behind }) })
  })
  return { of: comments => found.get(comments) ?? { before: [] }, taken }
}

/** Inner entries first. */
function walk(value: Value, visit: (comments: Comments) => void): void {
  if (typeof value !== 'object') return
  for (const part of value.kind === 'map' ? value.pairs : value.items) {
    walk(part.value, visit)
    visit(part.comments)
  }
}

function allLines({ statement, before, after, last = [] }: Source): readonly string[] {
  const behind = after === undefined ? [] : [` ${statement.replace(/\s*\{.*$/, '')}: ${after.trim()}`]
  return [...before, ...behind, ...last]
}

const widest = 100

type LinesOf = (comments: Comments) => Lines

function node(value: Value, linesOf: LinesOf): Scalar | YAMLMap | YAMLSeq {
  if (typeof value !== 'object') return scalar(value)
  if (value.kind === 'map') return mapNode(value, false, linesOf)
  const list = new YAMLSeq<Scalar | YAMLMap | YAMLSeq>()
  for (const { value: item, comments } of value.items) {
    const child = node(item, linesOf)
    const lines = linesOf(comments)
    if (child instanceof YAMLMap && short(item, linesOf)) child.flow = true
    comment(child, child, lines)
    list.items.push(child)
  }
  list.flow = value.items.every(item => typeof item.value !== 'object') && short(value, linesOf)
  return list
}

function mapNode(map: Entries, top: boolean, linesOf: LinesOf): YAMLMap {
  const result = new YAMLMap<Scalar, Scalar | YAMLMap | YAMLSeq>()
  for (const { key, value, comments } of map.pairs) {
    const name = new Scalar(key)
    const child = node(value, linesOf)
    if (child instanceof YAMLMap && !top && short(value, linesOf)) child.flow = true
    comment(name, child, linesOf(comments))
    if (top && result.items.length > 0) name.spaceBefore = true
    result.items.push(new Pair(name, child))
  }
  return result
}

function scalar(value: string | number | boolean): Scalar {
  // `${env:` would be replaced when the file is read.
  const result = new Scalar(typeof value === 'string' ? value.replaceAll('${env:', () => '$${env:') : value)
  // A word of digits and colons is a number of base 60 to older readers of YAML.
  if (typeof value === 'string' && /^[\d:]+$/.test(value)) result.type = 'QUOTE_DOUBLE'
  return result
}

function comment(
  above: { commentBefore?: string | null },
  behind: Scalar | YAMLMap | YAMLSeq,
  { before, after }: Lines,
): void {
  const oneLine = behind instanceof Scalar || behind.flow === true
  const lines = [...before, ...(after === undefined || oneLine ? [] : [after])].map(tidy)
  if (after !== undefined && oneLine) behind.comment = tidy(after)
  if (lines.length > 0) above.commentBefore = lines.join('\n')
}

/** Control characters end a comment, or the document: they become blanks. */
function tidy(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cs}\u2028\u2029\ufeff\ufffe\uffff]/gu, ' ').trimEnd()
  return clean.startsWith(' ') || clean === '' ? clean || ' ' : ` ${clean}`
}

function short(value: Value, linesOf: LinesOf): boolean {
  return uncommented(value, linesOf) && JSON.stringify(plain(value)).length <= widest
}

function uncommented(value: Value, linesOf: LinesOf): boolean {
  if (typeof value !== 'object') return true
  return (value.kind === 'map' ? value.pairs : value.items).every(part => {
    const { before, after } = linesOf(part.comments)
    return before.length === 0 && after === undefined && uncommented(part.value, linesOf)
  })
}
