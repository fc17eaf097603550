import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadFile } from '../../src/cli/load-file.js'
import { createFileWatch } from '../../src/control/file-watch.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lvskeeper-watch-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a file that was refused and is valid again differs or does not; why it was refused is history', () => {
  const file = join(folder, 'lvskeeper.yaml')
  const good = readFileSync(resolve(import.meta.dirname, '../../deploy/lab/pair-dr.yaml'), 'utf8').replace(
    '10.9.0.11',
    '127.0.0.1',
  )
  writeFileSync(file, good)
  const loaded = loadFile(file, { node: 'd1' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  const refused = { at: 1, text: `${file}:1: what is this` }
  const state: Parameters<typeof createFileWatch>[0] = { file, config: loaded.config, differs: false, refused }
  const look = createFileWatch(state)

  writeFileSync(file, `${good}\nnonsense: true\n`)
  look()
  expect(state).toMatchObject({ differs: true, refused })
  writeFileSync(file, good.replace('scheduler: wrr', 'scheduler: wlc').replace('scheduler: rr', 'scheduler: wlc'))
  look()
  expect(state).toMatchObject({ differs: true, refused: undefined })
  state.refused = refused
  writeFileSync(file, good)
  look()
  expect(state).toMatchObject({ differs: false, refused: undefined })
})
