import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { looksAt } from '../../config/looks-at.js'
import { consequences, placesOf } from './consequences.js'
import { problems } from './load.js'
import { cases } from './mistakes.js'
import { numbers } from './mutations.js'

/** A key that none of the rules that are tried here looks at, and a value that it cannot have. */
const slipIn = (text: string) =>
  text
    .replace(/(virtual_routers:\n {2}web: \{ )/, '$1garp: often, ')
    .replace(/(virtual_servers:\n {2}web: \{ )/, '$1tier_minimum: low, ')
const folder = resolve(import.meta.dirname, '../../config/examples')

test.each(readdirSync(folder))(
  'one slip in %s is told, and nothing else is blamed for it',
  name => {
    const text = readFileSync(join(folder, name), 'utf8')
    const all = placesOf(text)
    const next = numbers(17)
    const some = Array.from({ length: 12 }, () => all[next() % all.length] ?? [])
    expect(consequences(text, some)).toEqual([])
  },
  120_000,
)

test.each(
  cases
    .filter(([code, text]) => Object.hasOwn(looksAt, code) && slipIn(text) !== text)
    .map(([code, text, files, more]) => ({ code, text, files, more })),
)('$code is told beside a slip in the same entry that it does not look at', ({ code, text, files, more }) => {
  const both = problems(slipIn(text), files, more)
  const alone = problems(text, files, more)
  expect(both.length).toBeGreaterThan(alone.length)
  expect(both.filter(line => line.includes(`[${code}]`))).not.toEqual([])
})

test('broken defaults are told, and what they would have said is missing nowhere', () => {
  const text = readFileSync(join(folder, 'active-active.yaml'), 'utf8')
  expect(
    consequences(
      text,
      placesOf(text).filter(([part]) => part === 'defaults'),
    ),
  ).toEqual([])
})
