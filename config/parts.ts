import { type Document, isMap, LineCounter, type Node } from 'yaml'
import { convert } from './convert.js'
import type { Environment } from './environment.js'
import { freeze } from './freeze.js'
import { locate } from './locate.js'
import { parseYaml } from './parse-yaml.js'
import type { Path } from './problem.js'

/** Counted from 1. */
export type Spot = { readonly line: number; readonly col: number; readonly width: number }
export type Parts = {
  readonly data: Record<string, unknown>
  place(path: Path, at: 'key' | 'value'): Spot
}

/** The one section that grows to megabytes. */
const section = 'virtual_servers'
/** A text that is shorter is read at once. */
const large = 100_000

type Part = {
  readonly name: string
  readonly value: unknown
  /** Within the part, with its first line as the first. What was asked is kept: the same is asked after every load. */
  place(path: Path, at: 'key' | 'value'): Spot
}

/** The parts of the text that was read last, by their own text: one that stands there again is not parsed again. */
let remembered: ReadonlyMap<string, Part> = new Map()

/**
 * The data of a large file without mistakes, read part by part: each virtual server by itself, and the rest. Of a file of megabytes
 * of which one line changed, that is read anew. undefined wherever the parts might say something else than the whole
 * (anchors, quotes over several lines, two documents ...) or where anything is wrong: then the whole must be read.
 */
export function readParts(text: string, env: Environment): Parts | undefined {
  // Anchors reach across parts, directives over the whole, and what is not written in the file may change without it.
  if (text.length < large || /[\s[{,:][&*]\S|<<|^%|\$\{env:/m.test(text)) return undefined
  const cut = cutOut(text.split('\n'))
  if (cut === undefined) return undefined

  const counter = new LineCounter()
  const rest = parseYaml(cut.rest, counter)
  if (rest === undefined || rest.errors.length > 0 || rest.warnings.length > 0 || !isMap(rest.contents))
    return undefined
  const root = rest.contents
  const kept = new Map<string, Part>()
  const servers = new Map<string, { readonly part: Part; readonly line: number }>()
  for (const { text: own, line } of cut.parts) {
    const part = remembered.get(own) ?? readPart(own, env)
    if (part === undefined || servers.has(part.name)) return undefined
    kept.set(own, part)
    servers.set(part.name, { part, line })
  }
  let wrong = false
  const data = convert(rest, root, env, () => {
    wrong = true
  })
  if (wrong || data[section] !== null) return undefined
  data[section] = Object.fromEntries([...servers].map(([name, { part }]) => [name, part.value]))
  remembered = kept
  return {
    data,
    place(path, at) {
      const [first, second] = path
      const found = first === section && second !== undefined ? servers.get(String(second)) : undefined
      if (!found) return spot(rest, root, counter, path, at)
      const { line, ...where } = found.part.place(path.slice(1), at)
      return { line: line + found.line - 1, ...where }
    },
  }
}

function spot(document: Document.Parsed, root: Node, counter: LineCounter, path: Path, at: 'key' | 'value'): Spot {
  const [start, end] = locate(document, root, path, at)
  return { ...counter.linePos(start), width: Math.max(1, end - start) }
}

/** The rest of the text with the section's lines left empty, and the section's entries. */
function cutOut(lines: string[]) {
  const head = lines.findIndex(line => /^virtual_servers:\s*(#.*)?$/.test(line))
  if (head < 0) return undefined
  const parts: { text: string; line: number }[] = []
  let indent: string | undefined
  let own: string[] = []
  let at = head + 1
  for (; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const blank = /^\s*(#.*)?$/.test(line)
    if (!blank && /^\S/.test(line)) break
    if (!blank) {
      indent ??= line.slice(0, line.search(/\S/))
      const starts = line.startsWith(indent) && /^\S/.test(line.slice(indent.length))
      // A plain key is all that begins an entry here; anything else at this depth may belong to what is before.
      if (starts && !/^[A-Za-z0-9_]/.test(line.slice(indent.length))) return undefined
      if (!line.startsWith(indent)) return undefined
      if (starts) {
        own = []
        parts.push({ text: '', line: at + 1 })
      }
    }
    const part = parts.at(-1)
    if (part === undefined) continue
    own.push(line)
    // The last line of it says when it ends: joined once then.
    const next = lines[at + 1]
    if (next === undefined || /^\S/.test(next) || startsEntry(next, indent)) part.text = own.join('\n')
  }
  if (parts.length === 0 || indent === '') return undefined
  const rest = [...lines.slice(0, head + 1), ...lines.slice(head + 1, at).map(() => ''), ...lines.slice(at)].join('\n')
  return { rest, parts }
}

function startsEntry(line: string, indent: string | undefined): boolean {
  return indent !== undefined && line.startsWith(indent) && /^[^\s#]/.test(line.slice(indent.length))
}

/** One entry by itself; undefined: it is no mapping of one plain key, or anything is wrong with it. */
function readPart(text: string, env: Environment): Part | undefined {
  const tree = treeOf(text)
  if (tree?.root.items.length !== 1) return undefined
  let wrong = false
  const found = Object.entries(
    convert(tree.document, tree.root, env, () => {
      wrong = true
    }),
  )
  const [name, value] = found[0] ?? []
  if (wrong || name === undefined || found.length !== 1) return undefined
  const asked = new Map<string, Spot>()
  // Many times as large as what it says: there for what is asked during this load, and then for nobody.
  const weak = new WeakRef(tree)
  return {
    name,
    // It stays for the next load: nobody may change it.
    value: freeze(value),
    place(path, at) {
      const key = JSON.stringify([at, path])
      const known = asked.get(key)
      if (known) return known
      const again = weak.deref() ?? treeOf(text)
      const now = again ? spot(again.document, again.root, again.counter, path, at) : { line: 1, col: 1, width: 1 }
      asked.set(key, now)
      return now
    },
  }
}

function treeOf(text: string) {
  const counter = new LineCounter()
  const document = parseYaml(text, counter)
  if (!document || document.errors.length > 0 || document.warnings.length > 0) return undefined
  const root = document.contents
  return isMap(root) ? { document, root, counter } : undefined
}
