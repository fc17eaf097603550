import type { z } from 'zod'
import { type Complaint, complaints } from './issues.js'
import type { Path } from './problem.js'

/** What the schema refused and is not there for the rules to see. */
export type Broken = {
  /** `*` stands for every name and every position. */
  readonly path: Path
  /** Set where a key is unknown and nobody can say which was meant: any but these, which stand beside it. */
  readonly beside?: ReadonlySet<string>
}

/** What is left of the data, or undefined where nothing can be saved, and what is not in it. */
export type Saved<T> = { readonly rest: T | undefined; readonly broken: readonly Broken[] }

type Data = Record<string, unknown>

/** Rounds of taking out single keys, then whole entries: what is taken out may leave a parent that is refused in its turn. */
const rounds = { keys: 6, entries: 3 }

/**
 * Takes out what the schema refuses, as little as can be, so that the rest is looked at in the same run. Lists keep all of their
 * entries or go as a whole, so that positions stay right.
 */
export function saved<T>(schema: z.ZodType<T>, data: Data, first: readonly Complaint[]): Saved<T> {
  const broken: Broken[] = first.map(one => meant(one, data))
  let left = data
  for (let round = 0; round < rounds.keys + rounds.entries; round++) {
    const tried = schema.safeParse(left)
    if (tried.success) return { rest: tried.data, broken }
    const found = round === 0 ? first : complaints(schema as z.ZodType, left, tried.error.issues)
    const out = new Map<string, Path>()
    for (const one of found) {
      const stand = standIn(one)
      if (stand !== undefined) left = put(left, stand.path, stand.value) as Data
      else {
        const path = whole(round < rounds.keys ? one.path : one.path.slice(0, 2))
        out.set(JSON.stringify(path), path)
      }
    }
    if (found.length === 0)
      for (const { path } of tried.error.issues) {
        const entry = whole((path as Path).slice(0, 2))
        out.set(JSON.stringify(entry), entry)
      }
    broken.push(...[...out.values()].map(path => ({ path })))
    left = without(left, [...out.values()]) as Data
  }
  const last = schema.safeParse(left)
  return { rest: last.success ? last.data : undefined, broken }
}

/** The key that a slip stands for. */
export function meant({ code, path, message, suggestion }: Complaint, data: unknown): Broken {
  if (code === 'missing-key') return { path: [...path, missingKey(message)] }
  if (code !== 'unknown-key') return { path: whole(path) }
  const parent = path.slice(0, -1)
  const [, key] = /^did you mean "([a-z_]+)/.exec(suggestion ?? '') ?? []
  if (key !== undefined) return { path: [...parent, key] }
  return { path: [...parent, '?'], beside: new Set(Object.keys((at(data, parent) as Data | undefined) ?? {})) }
}

function missingKey(message: string): string {
  return /^the key "([^"]+)"/.exec(message)?.[1] ?? '?'
}

/** Without these a virtual router is none: with anything in their place, the rules that look elsewhere can be asked. */
const placeholders: Readonly<Record<string, unknown>> = { vrid: 1, interface: 'none' }

function standIn({ code, path, message }: Complaint): { path: Path; value: unknown } | undefined {
  if (code !== 'missing-key' || path.length !== 2 || path[0] !== 'virtual_routers') return undefined
  const key = missingKey(message)
  return Object.hasOwn(placeholders, key) ? { path: [...path, key], value: placeholders[key] } : undefined
}

/** A list entry that is refused as such takes its list with it. */
function whole(path: Path): Path {
  let end = path.length
  while (typeof path[end - 1] === 'number') end--
  return path.slice(0, end)
}

function at(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) => (isData(value) || Array.isArray(value) ? (value as Data)[step] : undefined),
    data,
  )
}

function put(data: unknown, [step, ...deeper]: Path, value: unknown): unknown {
  if (step === undefined) return value
  return isData(data) ? { ...data, [step]: put(data[step], deeper, value) } : data
}

/** Shares everything with the data but what is on the way. */
function without(data: unknown, paths: readonly Path[]): unknown {
  const steps = new Map<string | number, Path[]>()
  for (const [step, ...deeper] of paths)
    if (step !== undefined) {
      const others = steps.get(step)
      if (others === undefined) steps.set(step, [deeper])
      else others.push(deeper)
    }
  if (Array.isArray(data))
    return data.map((item, index) => {
      const inside = steps.get(index)
      return inside === undefined ? item : without(item, inside)
    })
  if (!isData(data)) return data
  const result = { ...data }
  for (const [step, inside] of steps) {
    if (inside.some(path => path.length === 0)) delete result[step]
    else if (Object.hasOwn(result, step)) result[step] = without(result[step], inside)
  }
  return result
}

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
