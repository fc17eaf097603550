import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { good, load } from './load.js'
import { judge, mutationsOf, numbers, places, scribble } from './mutations.js'

const text = readFileSync(resolve(import.meta.dirname, '../../config/examples/everything.yaml'), 'utf8')

test('a slip in any place of a file is rejected, or means what is written, and never crashes', () => {
  const original = good(text, {}, { static: true })
  const all = places(text)
  const next = numbers(7)
  const wrong = Array.from({ length: 8 }, () => all[next() % all.length] ?? [])
    .flatMap(path => mutationsOf(text, path))
    .map(mutation => ({ what: mutation.what, why: judge(mutation, original) }))
    .filter(({ why }) => why !== undefined)
  expect(wrong).toEqual([])
}, 120_000)

test('a file with some characters wrong is read or rejected, and never crashes', () => {
  const small = readFileSync(resolve(import.meta.dirname, '../../config/examples/dns-udp.yaml'), 'utf8')
  const next = numbers(11)
  for (let round = 0; round < 120; round++) {
    const scribbled = scribble(small, next)
    const loaded = load(scribbled)
    expect(loaded.ok || loaded.errors.length > 0, scribbled).toBe(true)
    expect(loaded.ok || loaded.errors.every(({ line, message }) => line > 0 && message !== ''), scribbled).toBe(true)
  }
}, 120_000)
