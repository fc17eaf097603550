import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const sources = readdirSync(join(root, 'config/import')).map(name =>
  readFileSync(join(root, 'config/import', name), 'utf8'),
)
const guide = readFileSync(join(root, 'docs/migration.md'), 'utf8')
const documented = [...guide.matchAll(/^\| `([a-z0-9-]+)` \| (lost|trap|note)/gm)].map(match => match[1]!)

test('every code of a finding stands in the migration guide, and no other', () => {
  const literal = sources.flatMap(text =>
    [...text.matchAll(/'(?:lost|trap|note)',\s*'([a-z0-9-]+)'/g)].map(match => match[1]!),
  )
  // These are made of parts, or their severity is decided on the spot.
  const others = ['virtual-route', 'virtual-rule', 'duplicate-vip', 'not-a-rule', 'not-supported', 'vip-option']
  expect([...new Set([...literal, ...others])].sort()).toEqual([...documented].sort())
})
