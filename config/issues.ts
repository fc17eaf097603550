import type { z } from 'zod'
import type { Path } from './problem.js'
import { suggest } from './suggest.js'

/** What zod found, in the words of the file. */
export type Complaint = {
  readonly code: string
  readonly path: Path
  readonly at: 'key' | 'value'
  readonly message: string
  readonly suggestion?: string
}

type Issue = z.core.$ZodIssue

/** zod's issues as complaints; `data` is what was parsed, `schema` knows what is allowed where. */
export function complaints(schema: z.ZodType, data: unknown, issues: readonly Issue[]): Complaint[] {
  const subject: Subject = { schema, data, keys: new Map() }
  const all = issues.flatMap(issue => explain(subject, [], issue))
  // A key under another name is one mistake, not two.
  const meant = new Set(
    all
      .filter(({ code }) => code === 'unknown-key')
      .map(({ path, suggestion }) => `${path.slice(0, -1).join(' ')} ${suggestion}`),
  )
  return all.filter(({ code, path, message }) => {
    const [, key] = code === 'missing-key' ? (/^the key ("[^"]+")/.exec(message) ?? []) : []
    return key === undefined || !meant.has(`${path.join(' ')} did you mean ${key}?`)
  })
}

/** `keys`: what was found out about unknown keys; the same slip often stands in thousands of entries. */
type Subject = {
  readonly schema: z.ZodType
  readonly data: unknown
  readonly keys: Map<string, Complaint>
}

function explain(subject: Subject, prefix: Path, issue: Issue): Complaint[] {
  const { schema, data, keys } = subject
  const path = [...prefix, ...(issue.path as Path)]
  const found = at(data, path)
  // An entry without content is reported where it was read.
  if (found === undefined && typeof path.at(-1) === 'number') return []
  if (found === undefined && issue.code !== 'unrecognized_keys' && issue.code !== 'custom' && path.length > 0)
    return [missing(path)]
  if (found === null) return [empty(path)]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map(key => {
        const id = JSON.stringify([key, ...path.map(step => (typeof step === 'number' ? 0 : step))])
        const known = keys.get(id) ?? unknownKey(key, path, keysAt(schema, path))
        keys.set(id, known)
        return { ...known, path: [...path, key] }
      })
    case 'invalid_union':
      return union(subject, path, issue)
    case 'invalid_key':
      return issue.issues.slice(0, 1).map(inner => {
        const { code, text } = split(inner.message, 'bad-name')
        return { code, path, at: 'key' as const, message: `${text}, found ${show(path.at(-1))}` }
      })
    case 'invalid_value': {
      const { code, text } = split(issue.message, 'bad-word')
      const words = issue.values.map(String)
      const near = typeof found === 'string' ? suggest(found, words) : undefined
      return [complaint(code, path, text, found, near === undefined ? undefined : `did you mean "${near}"?`)]
    }
    case 'invalid_type': {
      const plain =
        issue.expected === 'object' || issue.expected === 'record'
          ? ['bad-mapping', 'expected a mapping']
          : ['bad-type', `expected ${issue.expected}`]
      const { code, text } = issue.message.startsWith('[')
        ? split(issue.message, 'bad-type')
        : { code: plain[0] ?? '', text: plain[1] ?? '' }
      return [complaint(code, path, text, found, likely(code, found))]
    }
    default: {
      const { code, text } = split(issue.message, 'bad-value')
      return [complaint(code, path, text, found)]
    }
  }
}

/** Of several forms, the one that was meant: by its type first, then by how little is wrong with it. */
function union(subject: Subject, path: Path, issue: Issue & { code: 'invalid_union' }): Complaint[] {
  const found = at(subject.data, path)
  const forms = issue.errors as readonly (readonly Issue[])[]
  const fitting = forms.filter(form => !form.some(inner => inner.path.length === 0 && wrongKind(inner, found)))
  const known = fitting
    .map(form => form.flatMap(inner => explain(subject, path, inner)))
    .sort((a, b) => badness(a) - badness(b))
  const best = known[0]
  if (best !== undefined && best.length > 0) return best
  const { code, text } = split(issue.message, '')
  if (code !== '') return [complaint(code, path, text, found, likely(code, found))]
  const wanted = [...new Set(forms.flatMap(form => form.slice(0, 1).map(inner => firstWords(inner))))]
  const { code: firstCode } = split(forms[0]?.[0]?.message ?? '', 'bad-value')
  return [complaint(firstCode, path, wanted.join(', or '), found)]
}

function firstWords(issue: Issue): string {
  if (issue.code === 'invalid_type' && !issue.message.startsWith('['))
    return issue.expected === 'object' ? 'a mapping' : `${issue.expected}`
  return split(issue.message, '').text
}

/** Wrong kind of thing altogether: text where a mapping was wanted, and so on. */
function wrongKind(issue: Issue, found: unknown): boolean {
  if (issue.code === 'invalid_type') return true
  if (issue.code === 'invalid_union') {
    const forms = issue.errors as readonly (readonly Issue[])[]
    return forms.every(form => form.some(inner => inner.path.length === 0 && wrongKind(inner, found)))
  }
  return issue.code === 'invalid_value' && !issue.values.some(value => typeof value === typeof found)
}

function badness(form: readonly Complaint[]): number {
  return form.length - Math.max(0, ...form.map(one => one.path.length)) / 100
}

function missing(path: Path): Complaint {
  return {
    code: 'missing-key',
    path: path.slice(0, -1),
    at: 'key',
    message: `the key "${path.at(-1)}" is missing${inside(path)}`,
  }
}

function inside(path: Path): string {
  const parent = path.at(-2)
  return typeof parent === 'string' ? ` in ${parent}` : ''
}

function empty(path: Path): Complaint {
  return {
    code: 'empty-value',
    path,
    at: 'key',
    message: typeof path.at(-1) === 'number' ? 'the entry is empty' : `"${path.at(-1)}" has no value`,
    suggestion: 'give it one, or remove the key',
  }
}

function unknownKey(key: string, path: Path, allowed: readonly string[]): Complaint {
  const near = suggest(key, allowed)
  const suggestion = near !== undefined ? `did you mean "${near}"?` : `allowed here: ${[...allowed].sort().join(', ')}`
  return { code: 'unknown-key', path: [...path, key], at: 'key', message: `unknown key "${key}"`, suggestion }
}

function complaint(code: string, path: Path, text: string, found: unknown, suggestion?: string): Complaint {
  const key = [...path].reverse().find(step => typeof step === 'string')
  const message = `${key === undefined ? '' : `${key}: `}${text}${code === 'empty-list' ? '' : `, found ${show(found)}`}`
  return { code, path, at: 'value', message, ...(suggestion === undefined ? {} : { suggestion }) }
}

/** YAML 1.1's words for truth are text in YAML 1.2; a number where a duration was wanted lacks its unit. */
function likely(code: string, found: unknown): string | undefined {
  if (code === 'bad-duration' && typeof found === 'number') return `write ${found}ms or ${found}s, whichever is meant`
  if (code === 'bad-size' && typeof found === 'number') return `write ${found}B or ${found}KiB, whichever is meant`
  if (code !== 'bad-boolean' || typeof found !== 'string') return undefined
  if (/^(yes|on|y)$/i.test(found)) return 'did you mean true?'
  return /^(no|off|n)$/i.test(found) ? 'did you mean false?' : undefined
}

function split(message: string, code: string): { code: string; text: string } {
  const [, own, text] = /^\[([a-z-]+)\] (.*)$/s.exec(message) ?? []
  return own === undefined || text === undefined ? { code, text: message } : { code: own, text }
}

function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function at(data: unknown, path: Path): unknown {
  let value = data
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}

/** The keys that the schema allows at a path; of all forms where there are several. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let schemas = [schema as unknown as Inner]
  for (const step of path) schemas = schemas.flatMap(flatten).flatMap(inner => under(inner, step))
  return [...new Set(schemas.flatMap(flatten).flatMap(inner => Object.keys(inner._zod.def.shape ?? {})))]
}

type Inner = {
  readonly _zod: {
    readonly def: {
      readonly type: string
      readonly shape?: Readonly<Record<string, Inner>>
      readonly element?: Inner
      readonly valueType?: Inner
      readonly innerType?: Inner
      readonly in?: Inner
      readonly options?: readonly Inner[]
    }
  }
}

function flatten(schema: Inner): Inner[] {
  const { def } = schema._zod
  if (def.type === 'union') return (def.options ?? []).flatMap(flatten)
  const inside = def.type === 'pipe' ? def.in : def.innerType
  return inside === undefined ? [schema] : flatten(inside)
}

function under({ _zod: { def } }: Inner, step: string | number): Inner[] {
  const next = typeof step === 'number' ? def.element : (def.shape?.[step] ?? def.valueType)
  return next === undefined ? [] : [next]
}
