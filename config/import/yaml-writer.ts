import { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'

/** Comments of the original that belong to an entry: lines above it, and what stood behind it. */
export type Comments = { readonly before?: readonly string[]; readonly after?: string | undefined }

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

/** Sets a key, or leaves it out when there is no value. A key that is there keeps its place and gets the new value. */
export function put(map: Entries, key: string, value: Value | undefined, comments: Comments = {}): void {
  if (value === undefined) return
  const known = map.pairs.find(pair => pair.key === key)
  if (!known) map.pairs.push({ key, value, comments })
  else {
    known.value = value
    known.comments = { before: [...(known.comments.before ?? []), ...(comments.before ?? [])], after: comments.after }
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

/** The finished text: comments in place, short entries on one line. */
export function writeYaml(root: Entries, head: readonly string[]): string {
  const document = new Document()
  document.contents = mapNode(root, true) as never
  document.commentBefore = head.map(line => ` ${line}`).join('\n')
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

const widest = 100

function node(value: Value): Scalar | YAMLMap | YAMLSeq {
  if (typeof value !== 'object') return scalar(value)
  if (value.kind === 'map') return mapNode(value, false)
  const list = new YAMLSeq<Scalar | YAMLMap | YAMLSeq>()
  for (const { value: item, comments } of value.items) {
    const child = node(item)
    if (child instanceof YAMLMap && !comments.before?.length && short(item)) child.flow = true
    comment(child, child, comments)
    list.items.push(child)
  }
  list.flow = value.items.every(item => typeof item.value !== 'object' && bare(item.comments)) && short(value)
  return list
}

function mapNode(map: Entries, top: boolean): YAMLMap {
  const result = new YAMLMap<Scalar, Scalar | YAMLMap | YAMLSeq>()
  for (const { key, value, comments } of map.pairs) {
    const name = new Scalar(key)
    const child = node(value)
    if (child instanceof YAMLMap && !top && flat(value)) child.flow = true
    comment(name, child, comments)
    if (top && result.items.length > 0) name.spaceBefore = true
    result.items.push(new Pair(name, child))
  }
  return result
}

function scalar(value: string | number | boolean): Scalar {
  // `${env:` would be replaced when the file is read.
  const result = new Scalar(typeof value === 'string' ? value.replaceAll('${env:', '$${env:') : value)
  // A word of digits and colons is a number of base 60 to older readers of YAML.
  if (typeof value === 'string' && /^[\d:]+$/.test(value)) result.type = 'QUOTE_DOUBLE'
  return result
}

function comment(
  above: { commentBefore?: string | null },
  behind: Scalar | YAMLMap | YAMLSeq,
  comments: Comments,
): void {
  const lines = (comments.before ?? []).map(tidy)
  const after = comments.after === undefined ? undefined : tidy(comments.after)
  const oneLine = behind instanceof Scalar || behind.flow === true
  if (after !== undefined && oneLine) behind.comment = after
  else if (after !== undefined) lines.push(after)
  if (lines.length > 0) above.commentBefore = lines.join('\n')
}

/** Control characters end a comment, or the document: they become blanks. */
function tidy(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cs}\u2028\u2029\ufeff\ufffe\uffff]/gu, ' ').trimEnd()
  return clean.startsWith(' ') || clean === '' ? clean || ' ' : ` ${clean}`
}

function bare({ before, after }: Comments): boolean {
  return !before?.length && after === undefined
}

function flat(value: Value): boolean {
  return typeof value === 'object' && value.kind === 'map' && uncommented(value) && short(value)
}

function short(value: Value): boolean {
  return uncommented(value) && JSON.stringify(plain(value)).length <= widest
}

function uncommented(value: Value): boolean {
  if (typeof value !== 'object') return true
  if (value.kind === 'list') return value.items.every(item => bare(item.comments) && uncommented(item.value))
  return value.pairs.every(pair => bare(pair.comments) && uncommented(pair.value))
}
