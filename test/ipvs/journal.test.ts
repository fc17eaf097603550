import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileJournal, parseJournal } from '../../src/ipvs/journal.js'
import type { JournalContent } from '../../src/ipvs/ports.js'

const EMPTY: JournalContent = { services: [], quiet: {}, daemons: [] }
const FULL: JournalContent = {
  services: ['tcp 10.9.0.100:80', 'mark 7 ipv6'],
  quiet: { 'tcp 10.9.0.100:80|10.9.0.21:80': 'drain' },
  daemons: ['master'],
}
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the journal', () => {
  test('drops what is no service: it could not be asked for, and the table not be read for ever', () => {
    const good = ['tcp 10.9.0.100:80', 'sctp [fd00:9::100]:5060', 'mark 7 ipv4']
    const bad = [
      'tcp 999.9.0.100:80',
      'tcp 10.9:80',
      'tcp 10.9.0.100:65536',
      'udp [fd00:::1]:53',
      'mark 0 ipv4',
      'mark 4294967296 ipv4',
      'x',
    ]
    expect(parseJournal(JSON.stringify({ version: 1, services: [...bad, ...good] })).services).toEqual(good)
  })
  test('is empty before anything was written', async () => {
    expect(await fileJournal(join(folder, 'none')).read()).toEqual(EMPTY)
  })
  test('reads what was written, in a folder that it makes, and leaves no other file', async () => {
    const journal = fileJournal(join(folder, 'deep', 'table.json'))
    await journal.write(EMPTY)
    await journal.write(FULL)
    expect(await journal.read()).toEqual(FULL)
    expect(readdirSync(join(folder, 'deep'))).toEqual(['table.json'])
  })
  test('counts as empty when it is damaged, as a whole or in part', async () => {
    const path = join(folder, 'table.json')
    await fileJournal(path).write(FULL)
    const text = readFileSync(path, 'utf8')
    for (const damaged of ['', '{', text.slice(0, 40), 'null', '[]', '{"version":2,"services":["x"]}']) {
      writeFileSync(path, damaged)
      expect(await fileJournal(path).read()).toEqual(EMPTY)
    }
    expect(
      parseJournal('{"version":1,"services":[1,"tcp 10.9.0.1:80"],"quiet":{"a":"b","c":"down"},"daemons":["x"]}'),
    ).toEqual({
      services: ['tcp 10.9.0.1:80'],
      quiet: { c: 'down' },
      daemons: [],
    })
  })
  test('fails loudly where it cannot be written, and the old one stays', async () => {
    const path = join(folder, 'table.json')
    await fileJournal(path).write(FULL)
    await expect(fileJournal(join(path, 'below-a-file')).write(EMPTY)).rejects.toThrow()
    expect(await fileJournal(path).read()).toEqual(FULL)
  })
})
