import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { numberIn } from '../../src/tracking/files.js'

const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a tracked file holds a number, in front of whatever else', () => {
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
    expect(numberIn(path)).toEqual(typeof found === 'number' ? { number: found } : { trouble: `${path}: ${found}` })
  }
  expect(numberIn(join(folder, 'none'))).toEqual({ trouble: `${join(folder, 'none')}: no such file` })
})

test('a pipe that nobody writes holds nobody up', () => {
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  expect(numberIn(path)).toEqual({ trouble: `${path}: not a number: ''` })
})
