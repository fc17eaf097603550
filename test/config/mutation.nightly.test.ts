import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { consequences, placesOf } from './consequences.js'
import { good, load } from './load.js'
import { judge, mutationsOf, numbers, places, scribble } from './mutations.js'

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

test.each(readdirSync(folder))('of a slip in any place of %s nothing else is blamed', name => {
  const text = readFileSync(join(folder, name), 'utf8')
  expect(consequences(text, placesOf(text))).toEqual([])
})

test.each(readdirSync(folder))('%s with some characters wrong is read or rejected, and never crashes', name => {
  const text = readFileSync(join(folder, name), 'utf8')
  const next = numbers(Date.now() % 2 ** 32)
  for (let round = 0; round < 2000; round++) {
    const scribbled = scribble(text, next)
    const loaded = load(scribbled, {}, { static: true })
    expect(loaded.ok || loaded.errors.length > 0, scribbled).toBe(true)
    expect(loaded.ok || loaded.errors.every(({ line, message }) => line > 0 && message !== ''), scribbled).toBe(true)
  }
})
