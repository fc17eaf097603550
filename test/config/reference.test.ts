import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { good, problems } from './load.js'
import { keyTables } from './reference.js'

const file = resolve(import.meta.dirname, '../../docs/configuration.md')
const text = readFileSync(file, 'utf8')
const marker = '## All keys\n'

test('the reference lists every key as the schema has it', async () => {
  const [head] = text.split(marker)
  await expect(`${head}${marker}\n${keyTables()}`).toMatchFileSnapshot(file)
})

const blocks = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, block]) => block ?? '')
const whole = blocks.filter(block => block.includes('directors:'))

test('there are examples in it', () => expect([whole.length, blocks.length]).toEqual([1, 3]))

test.each(whole)('what it shows as a whole file is valid: %#', block => {
  expect(
    problems(block, { '/etc/lvskeeper/conf.d/a.yaml': 'alerts: []\n' }, { static: true }).filter(
      line => !line.includes('[secret-missing]'),
    ),
  ).toEqual([])
})

test.each(blocks.filter(block => !block.includes('directors:')))(
  'what it shows as a part is valid in a file: %#',
  block => {
    const base = 'directors:\n  d1: { address: 10.9.0.11, priority: 150 }\n  d2: { address: 10.9.0.12 }\n'
    expect(good(`${base}${block}`, {}, { static: true, env: { SITE: 'north' } }).directors.length).toBe(2)
  },
)
