import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { serialize } from 'node:v8'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadFile } from '../../src/cli/load-file.js'
import { readApplied, writeApplied } from '../../src/control/applied.js'
import { current, readOrders, writeOrders } from '../../src/control/behind.js'
import { pendingFile, readPending, writePending } from '../../src/control/pending.js'
import { readJson, writeJson } from '../../src/control/state-file.js'
import { wantedOf } from '../../src/control/wanted.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lvskeeper-kept-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const loaded = loadFile(resolve(import.meta.dirname, '../../config/examples/everything.yaml'), { static: true })
const config = (() => {
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  return loaded.config
})()

describe('the configuration that runs', () => {
  test('comes back the same, whatever is in it: a restarted control process tells its children nothing new', () => {
    const path = join(folder, 'applied.json')
    writeApplied(path, { config, generation: 7, loadedAt: 5 })
    const back = readApplied(path)
    expect(back).toMatchObject({ generation: 7, loadedAt: 5 })
    expect(back?.config).toEqual(config)
    expect(back && wantedOf(back.config)).toEqual(wantedOf(config))
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('is not read when another version wrote it, nor when it is torn', () => {
    const path = join(folder, 'applied.json')
    writeFileSync(path, serialize({ version: '0.0.0', config }))
    expect(readApplied(path)).toBeUndefined()
    writeFileSync(path, serialize({ version: '0.0.0', config }).subarray(0, 40))
    expect(readApplied(path)).toBeUndefined()
    expect(readApplied(join(folder, 'nothing'))).toBeUndefined()
  })
})

describe('the configuration that was confirmed last', () => {
  test('is kept while a reload waits for its confirmation, for root only', () => {
    expect(readPending(folder)).toBeUndefined()
    writePending(folder, { until: 99, before: config })
    expect(readPending(folder)).toEqual({ until: 99, before: config })
    expect(statSync(pendingFile(folder)).mode & 0o777).toBe(0o600)
    writePending(folder, undefined)
    expect(readPending(folder)).toBeUndefined()
    writePending(folder, undefined)
  })

  test('is known to be missing when it cannot be read', () => {
    writeFileSync(pendingFile(folder), 'torn')
    expect(readPending(folder)).toBe('unreadable')
    writeFileSync(pendingFile(folder), serialize({ version: '0.0.0', until: 1, before: config }))
    expect(readPending(folder)).toBe('unreadable')
  })
})

describe('small state files', () => {
  test('are replaced whole: a write that fails leaves the old one', () => {
    const path = join(folder, 'overrides.json')
    writeJson(path, [1])
    mkdirSync(`${path}.new`)
    expect(() => writeJson(path, [1, 2])).toThrow()
    expect(readJson(path)).toEqual([1])
  })

  test('that are no JSON count as none', () => {
    writeFileSync(join(folder, 'x.json'), '{"half":')
    expect(readJson(join(folder, 'x.json'))).toBeUndefined()
    expect(readJson(join(folder, 'nothing.json'))).toBeUndefined()
  })

  test('keep the orders to stay behind; what is no order is left out, and what has ended does not count', () => {
    const path = join(folder, 'behind.json')
    writeOrders(path, { web: { author: 'ann', at: 1 }, '*': { author: 'bob', at: 2, until: 50 } })
    const text = JSON.parse(readFileSync(path, 'utf8')) as object
    writeFileSync(path, JSON.stringify({ ...text, api: 'yes', mail: { author: 3, at: 1 }, none: null }))
    const orders = readOrders(path)
    expect(Object.keys(orders).sort()).toEqual(['*', 'web'])
    expect(Object.keys(current(orders, 49)).sort()).toEqual(['*', 'web'])
    expect(Object.keys(current(orders, 50))).toEqual(['web'])
    expect(readOrders(join(folder, 'nothing'))).toEqual({})
  })
})
