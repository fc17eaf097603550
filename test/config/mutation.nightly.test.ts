import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { good } from './load.js'
import { judge, mutationsOf, places } from './mutations.js'

const folder = resolve(import.meta.dirname, '../../config/examples')

test.each(readdirSync(folder))('every slip in every place of %s is rejected, or means what is written', name => {
  const text = readFileSync(join(folder, name), 'utf8')
  const original = good(text, {}, { static: true })
  const wrong = places(text)
    .flatMap(path => mutationsOf(text, path))
    .map(mutation => ({ what: mutation.what, why: judge(mutation, original) }))
    .filter(({ why }) => why !== undefined)
  expect(wrong).toEqual([])
})
