import { expect, test } from 'vitest'
import { jsonSchema } from '../../config/json-schema.js'

type Schema = {
  readonly $ref?: string
  readonly type?: string
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
}

const root = jsonSchema() as Schema & { readonly definitions: Readonly<Record<string, Schema>> }
const resolved = (schema: Schema): Schema =>
  schema.$ref === undefined ? schema : (root.definitions[schema.$ref.split('/').at(-1) ?? ''] ?? {})

/** Every property, with the path that leads to it; a definition once. */
function properties(schema: Schema, path: string, seen: Set<string>): [path: string, schema: Schema][] {
  if (schema.$ref !== undefined) {
    if (seen.has(schema.$ref)) return []
    seen.add(schema.$ref)
  }
  const { properties: own = {}, additionalProperties, items, anyOf = [], allOf = [] } = resolved(schema)
  const deeper = [...anyOf, ...allOf, ...(items ? [items] : [])]
  if (typeof additionalProperties === 'object') deeper.push(additionalProperties)
  return [
    ...Object.entries(own).flatMap(([key, value]): [string, Schema][] => [
      [`${path}.${key}`, value],
      ...properties(value, `${path}.${key}`, seen),
    ]),
    ...deeper.flatMap(one => properties(one, path, seen)),
  ]
}

/** The texts and numbers that a property may be. */
function leaves(schema: Schema): Schema[] {
  const { anyOf, allOf, items, ...own } = resolved(schema)
  const inner = [...(anyOf ?? []), ...(allOf ?? []), ...(items ? [items] : [])]
  return inner.length > 0 ? inner.flatMap(leaves) : [own]
}

const all = properties(root, '', new Set())

test('every property says what it is', () => {
  expect(all.length).toBeGreaterThan(600)
  const silent = all.filter(([, own]) => {
    const said = [own, resolved(own), ...(own.allOf ?? []).map(resolved)]
    return said.every(({ description }) => description === undefined)
  })
  expect(silent.map(([path]) => path)).toEqual([])
})

test('every text has an example or the words that it may be, and every number its bounds', () => {
  const bare = all.filter(([, own]) =>
    leaves(own).some(leaf => {
      if (leaf.enum ?? leaf.const !== undefined) return false
      if (leaf.type === 'string') return leaf.examples === undefined && own.examples === undefined
      return (leaf.type === 'integer' || leaf.type === 'number') && leaf.minimum === undefined
    }),
  )
  expect(bare.map(([path]) => path)).toEqual([])
})
