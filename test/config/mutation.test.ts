import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { good } from './load.js'
import { judge, mutationsOf, places } from './mutations.js'

const text = readFileSync(resolve(import.meta.dirname, '../../config/examples/everything.yaml'), 'utf8')

/** A small generator of our own: the same sample in every run. */
function sample<T>(items: readonly T[], count: number, seed: number): T[] {
  let state = seed
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return items[state % items.length] as T
  })
}

test('a slip in any place of a file is rejected, or means what is written, and never crashes', () => {
  const original = good(text, {}, { static: true })
  const wrong = sample(places(text), 12, 7)
    .flatMap(path => mutationsOf(text, path))
    .map(mutation => ({ what: mutation.what, why: judge(mutation, original) }))
    .filter(({ why }) => why !== undefined)
  expect(wrong).toEqual([])
})
