import type { z } from 'zod'
import type { Reporter } from './context.js'
import type { Path } from './problem.js'

/** The data without what the schema refuses, or undefined where nothing can be saved. */
export type Saved<T> = {
  /** Without the entries (a router, a service, a check) that have a mistake: every rule may look at it. */
  readonly whole: T | undefined
  /** With these entries, each without its broken keys: good for rules that look at nothing else (`alone`). */
  readonly partly: T | undefined
}

type Issues = readonly z.core.$ZodIssue[]

/**
 * What is left when everything that the schema refuses is taken out, so that the rest is looked at in the same run.
 * Lists go as a whole, so that the positions of others stay right.
 */
export function saved<T>(schema: z.ZodType<T>, data: Record<string, unknown>): Saved<T> {
  return {
    whole: rest(schema, data, [entries, entries, entries]),
    partly: rest(schema, data, [values, values, values, entries, entries]),
  }
}

/**
 * Mistakes that are none because of a value elsewhere in the same entry, which may be the broken one: names that do not exist, and
 * what stands twice.
 */
const alone: ReadonlySet<string> = new Set([
  'duplicate-real-server',
  'duplicate-vip',
  'unknown-check',
  'unknown-director',
  'unknown-subject',
  'unknown-tracked',
])

/** Hands on only what is certain in an entry that lacks its broken keys. */
export function onlyAlone(report: Reporter): Reporter {
  return {
    ...report,
    error: (code, ...more) => {
      if (alone.has(code)) report.error(code, ...more)
    },
    warn: () => {},
  }
}

function rest<T>(
  schema: z.ZodType<T>,
  data: Record<string, unknown>,
  rounds: readonly ((issues: Issues) => Path[])[],
): T | undefined {
  let left = data
  for (const paths of rounds) {
    const tried = schema.safeParse(left)
    if (tried.success) return tried.data
    left = paths(tried.error.issues).reduce(without, left)
  }
  const last = schema.safeParse(left)
  return last.success ? last.data : undefined
}

function entries(issues: Issues): Path[] {
  return issues.flatMap(issue =>
    issue.code === 'unrecognized_keys' && issue.path.length === 0
      ? issue.keys.map(key => [key])
      : [(issue.path as Path).slice(0, 2)],
  )
}

function values(issues: Issues): Path[] {
  return issues.flatMap(issue => {
    const path = issue.path as Path
    const list = path.findIndex(step => typeof step === 'number')
    if (list >= 0) return [path.slice(0, list)]
    return issue.code === 'unrecognized_keys' ? issue.keys.map(key => [...path, key]) : [path]
  })
}

/** Shares everything with the data but the mappings on the way. */
function without(data: Record<string, unknown>, path: Path): Record<string, unknown> {
  const [step, ...deeper] = path
  if (step === undefined) return data
  const { [String(step)]: part, ...others } = data
  if (part === undefined) return data
  return deeper.length > 0 && isMapping(part) ? { ...data, [String(step)]: without(part, deeper) } : others
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
