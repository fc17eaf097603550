import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonSchema } from '../../config/json-schema.js'
import { startLanguageServer } from './language-server.js'

const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-schema-'))
const examples = resolve(import.meta.dirname, '../../config/examples')
const server = startLanguageServer()

beforeAll(async () => {
  writeFileSync(join(folder, 'schema.json'), JSON.stringify(jsonSchema()))
  await server.initialize()
})
afterAll(() => {
  server.stop()
  rmSync(folder, { recursive: true })
})

const uriOf = (name: string) => pathToFileURL(join(folder, name)).href
const head = `# yaml-language-server: $schema=${uriOf('schema.json')}\n`

describe('an editor with a YAML language server', () => {
  test.each(readdirSync(examples))('finds nothing wrong with %s', async name => {
    const found = await server.check(uriOf(name), head + readFileSync(join(examples, name), 'utf8'))
    expect(found.map(({ message, range }) => `${range.start.line}: ${message}`)).toEqual([])
  })

  test('marks unknown keys, wrong words, missing units and wrong types where they stand', async () => {
    const text = `${head}virtual_routers:
  web:
    vrid: 300
    advert_int: 1s
    advert_interval: 1
    transport: unicats
`
    const found = await server.check(uriOf('wrong.yaml'), text)
    const lines = found.map(({ range, message }) => `${range.start.line}: ${message.split('\n')[0]}`).sort()
    expect(lines).toEqual([
      '3: Value is above the maximum of 255.',
      '4: Property advert_int is not allowed.',
      '5: Incorrect type. Expected "string".',
      '6: Value is not accepted. Valid values: "multicast", "unicast".',
    ])
  })

  test('completes keys with what they mean', async () => {
    const uri = uriOf('new.yaml')
    await server.check(uri, `${head}virtual_routers:\n  web:\n    ad\n`)
    const items = await server.complete(uri, 3, 6)
    const item = items.find(({ label }) => label === 'advert_interval')
    expect(JSON.stringify(item?.documentation)).toContain('Default 1s')
  })

  test('completes words', async () => {
    const uri = uriOf('word.yaml')
    await server.check(uri, `${head}virtual_servers:\n  web:\n    forward: \n`)
    const labels = (await server.complete(uri, 3, 13)).map(({ label }) => label)
    expect(labels).toEqual(expect.arrayContaining(['nat', 'dr', 'tun']))
  })
})
