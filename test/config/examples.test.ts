import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../config/load.js'
import { formatProblems } from '../../config/problem.js'

const folder = resolve(import.meta.dirname, '../../config/examples')
const secret = 'a key that is long enough for HMAC'
const examples = readdirSync(folder).filter(name => name.endsWith('.yaml'))

test('there are examples', () => expect(examples.length).toBeGreaterThan(6))

test.each(examples)('%s is valid on every director, without a warning', name => {
  const text = readFileSync(join(folder, name), 'utf8')
  for (const node of ['d1', 'd2']) {
    const localAddresses = node === 'd1' ? ['10.9.0.11'] : ['10.9.0.12']
    const loaded = loadConfig(text, {
      file: name,
      node,
      hostname: node,
      localAddresses,
      env: {},
      readFile: () => secret,
    })
    expect(loaded.ok ? formatProblems([], loaded.warnings) : formatProblems(loaded.errors, loaded.warnings)).toBe('')
    expect(loaded.ok && loaded.config.node.name).toBe(node)
  }
})

test.each(examples)('%s resolves to the same when it is so large that it is read in parts, twice', name => {
  const text = readFileSync(join(folder, name), 'utf8')
  const options = {
    file: name,
    node: 'd1',
    hostname: 'd1',
    localAddresses: ['10.9.0.11'],
    env: {},
    readFile: () => secret,
  }
  const one = loadConfig(text, options)
  const large = `${text}\n# ${'-'.repeat(120_000)}\n`
  expect(loadConfig(large, options)).toEqual(one)
  expect(loadConfig(large, options)).toEqual(one)
})
