import type { Override } from '../messages.js'
import { parseDuration } from './duration.js'

/** A request that makes no sense: answered with 400 and the field's name, never a crash. */
export class BadRequest extends Error {}

export type Body = Readonly<Record<string, unknown>>

/** JSON to an object: anything else is a bad request. */
export function parseBody(text: string): Body {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadRequest('expected a JSON object')
  return value as Body
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new BadRequest('the body is not JSON')
  }
}

/** The fields of a request body, each read with the shape it must have; a field that nobody reads is an error. */
export function fields(record: Body, known: readonly string[]) {
  for (const name of Object.keys(record))
    if (!known.includes(name)) throw new BadRequest(`unknown field ${JSON.stringify(name)}; known: ${known.join(', ')}`)

  function optional<T>(name: string, expected: string, parse: (value: unknown) => T | undefined): T | undefined {
    const value = record[name]
    if (value === undefined || value === null) return undefined
    const parsed = parse(value)
    if (parsed === undefined) throw new BadRequest(`${name}: expected ${expected}`)
    return parsed
  }

  return {
    text: (name: string) =>
      optional(name, 'printable text of at most 500 characters', value => (isText(value) ? value : undefined)),
    flag: (name: string) => optional(name, 'true or false', value => (typeof value === 'boolean' ? value : undefined)),
    whole: (name: string, most: number) =>
      optional(name, `a whole number from 0 to ${most}`, value => (isWhole(value, most) ? value : undefined)),
    duration: (name: string) =>
      optional(name, 'a duration with its unit, such as 30m', value =>
        typeof value === 'string' ? parseDuration(value) : undefined,
      ),
  }
}

/** A field that must be there. */
export function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new BadRequest(`${name} is missing`)
  return value
}

const verbs: readonly Override['verb'][] = ['drain', 'maint', 'weight', 'force-up', 'force-down']

export function overrideVerb(value: string): Override['verb'] {
  const verb = verbs.find(each => each === value)
  if (!verb) throw new BadRequest(`verb: expected one of ${verbs.join(', ')}`)
  return verb
}

/** Text goes to logs and terminals: no control characters. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 500 && !/[\p{Cc}]/u.test(value)
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
}
