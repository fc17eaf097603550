import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
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

function director(name: string, text: string) {
  const file = join(folder, name)
  writeFileSync(file, text)
  const loaded = loadFile(file, { node: 'd1' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  const state: Parameters<typeof createFileWatch>[0] = {
    ...{ file, config: loaded.config, differs: false, refused: undefined },
  }
  return { file, state }
}

const small = (more: string) => `directors: { d1: { address: 127.0.0.1 } }
virtual_servers:
  web: { address: '10.9.0.100:80', forward: dr, real_servers: [10.9.0.21], check: { redis: { ${more} } } }
`

test('a file that another takes the place of, of the same size and time, differs', () => {
  const { file, state } = director('same.yaml', small('role: primary'))
  utimesSync(file, 1_700_000_000, 1_700_000_000)
  const look = createFileWatch(state)
  look()
  expect(state.differs).toBe(false)
  const { size } = statSync(file)
  writeFileSync(`${file}.new`, small('role: replica'))
  utimesSync(`${file}.new`, 1_700_000_000, 1_700_000_000)
  renameSync(`${file}.new`, file)
  expect(statSync(file)).toMatchObject({ size, mtimeMs: 1_700_000_000_000 })
  look()
  expect(state.differs).toBe(true)
})

test('a file that was away and is back as it was differs no more', () => {
  const { file, state } = director('away.yaml', small(''))
  const look = createFileWatch(state)
  look()
  renameSync(file, `${file}.away`)
  look()
  expect(state.differs).toBe(true)
  renameSync(`${file}.away`, file)
  look()
  expect(state.differs).toBe(false)
})

test('an included file that the file names no more is missed by nobody', () => {
  const part = join(folder, 'part.yaml')
  writeFileSync(part, 'on_stop: clear\n')
  const { file, state } = director('whole.yaml', `${small('')}include: part.yaml\n`)
  const look = createFileWatch(state)
  look()
  rmSync(part)
  writeFileSync(file, `${small('')}on_stop: clear\n`)
  look()
  expect(state.differs).toBe(false)
})

test('why a reload was refused is history once what the file points to is mended, within a minute', () => {
  const secret = join(folder, 'redis.key')
  writeFileSync(secret, 'a')
  const { state } = director('secret.yaml', small(`password_file: ${secret}`))
  let now = 0
  const look = createFileWatch(state, () => now)
  rmSync(secret)
  state.refused = { at: 1, text: `${secret} cannot be read` }
  look()
  expect(state).toMatchObject({ differs: true, refused: { at: 1 } })
  writeFileSync(secret, 'b')
  now = 59_000
  look()
  expect(state.refused).toBeDefined()
  now = 60_000
  look()
  expect(state).toMatchObject({ differs: true, refused: undefined })
})

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

test('a tracked program that has gone is no edit of the file; a reload that it refused stays refused', () => {
  const program = join(folder, 'probe')
  writeFileSync(program, '', { mode: 0o755 })
  const { file, state } = director(
    'script.yaml',
    `directors: { d1: { address: 127.0.0.1 } }
scripts: { probe: { argv: [${program}] } }
virtual_routers: { web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32], track: { scripts: [probe] } } }
`,
  )
  rmSync(program)
  createFileWatch(state)()
  expect(state.differs).toBe(false)
  const refused = { at: 1, text: `${file}: ${program} cannot be run` }
  state.refused = refused
  createFileWatch(state)()
  expect(state).toMatchObject({ differs: true, refused })
  writeFileSync(program, '', { mode: 0o755 })
  createFileWatch(state)()
  expect(state).toMatchObject({ differs: false, refused: undefined })
})
