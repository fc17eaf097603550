import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { createFileReader } from '../../src/tracking/files.js'

const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-'))
afterAll(() => rmSync(folder, { recursive: true }))

const numberIn = (path: string) =>
  new Promise(resolve => createFileReader((_, what) => resolve(what)).look(new Set([path]), () => 0))

test('a tracked file holds a number, in front of whatever else', async () => {
  const path = join(folder, 'number')
  const cases: [string, number | string][] = [
    ['5', 5],
    [' -20\n', -20],
    ['7 because', 7],
    [`3\n${'x'.repeat(1_000_000)}`, 3],
    ['', "not a number: ''"],
    ['five', "not a number: 'five'"],
  ]
  for (const [text, found] of cases) {
    writeFileSync(path, text)
    expect(await numberIn(path)).toEqual(
      typeof found === 'number' ? { number: found } : { trouble: `${path}: ${found}` },
    )
  }
  expect(await numberIn(join(folder, 'none'))).toEqual({ trouble: `${join(folder, 'none')}: no such file` })
})

test('a pipe that nobody writes holds nobody up', async () => {
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  expect(await numberIn(path)).toEqual({ trouble: `${path}: not a number: ''` })
})

test('every file has its turn, and one that was given up is not told of', async () => {
  const paths = ['a', 'b', 'c', 'd', 'e'].map(name => join(folder, name))
  for (const [at, path] of paths.entries()) writeFileSync(path, String(at))
  const heard = new Map<string, unknown>()
  const reader = createFileReader((path, what) => heard.set(path, what))
  reader.look(new Set(paths), () => 0)
  await vi.waitFor(() => expect([...heard.values()]).toHaveLength(5))
  expect(paths.map(path => heard.get(path))).toEqual([0, 1, 2, 3, 4].map(number => ({ number })))
  heard.clear()
  reader.look(new Set(paths), () => 1)
  reader.look(new Set(paths.slice(0, 1)), () => 2)
  await vi.waitFor(() => expect(heard.size).toBe(1))
  await new Promise(resolve => setTimeout(resolve, 50))
  expect([...heard.keys()]).toEqual(paths.slice(0, 1))
})
