import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { probeFor } from '../../checkers/probe-for.js'
import { loadText } from '../../src/cli/load-file.js'
import { createFileReader } from '../../src/tracking/files.js'
import { within } from '../checkers/listen.js'
import { deadMounts } from './dead-mounts.js'

const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-dead-'))
let dead: Awaited<ReturnType<typeof deadMounts>>

beforeAll(async () => {
  dead = await deadMounts(folder, 12)
})
afterAll(async () => {
  await dead.end()
  // What waited for them has ended: no process is left behind.
  await vi.waitFor(() => expect(readers()).toEqual([]))
  rmSync(folder, { recursive: true })
})

/** The processes that read in place of a thread. */
const readers = () =>
  execFileSync('ps', ['-o', 'args=', '--ppid', String(process.pid)], { encoding: 'latin1' })
    .split('\n')
    .filter(line => line.startsWith('dd '))

const silent = /^no answer from the file system since \d{4}-.*Z$/
const check = (path: string, ms = 1000) =>
  probeFor({ kind: 'file', path })({ address: '192.0.2.1', port: 80 }, within(ms))

test('a file system that does not answer is told of; the loop and the other files go on', async () => {
  const [mount = ''] = dead.mounts
  const [lost, other, lively] = [join(mount, 'number'), join(mount, 'other'), join(folder, 'number')]
  writeFileSync(lively, '7')
  const heard = new Map<string, unknown>()
  const reader = createFileReader((path, what) => heard.set(path, what))
  let now = 0
  let turns = 0
  const loop = setInterval(() => turns++, 10)
  const look = () => reader.look(new Set([lost, other, lively]), () => now)
  look()
  await vi.waitFor(() => expect(heard.get(lively)).toEqual({ number: 7 }))
  expect(heard.has(lost)).toBe(false)
  now = 5_000
  look()
  // All of a mount that is dead: the second one keeps no place of its own.
  for (const path of [lost, other]) expect(heard.get(path)).toEqual({ unread: expect.stringMatching(silent) })
  writeFileSync(lively, '8')
  await vi.waitFor(() => {
    look()
    expect(heard.get(lively)).toEqual({ number: 8 })
  })
  const turned = turns
  await vi.waitFor(() => expect(turns).toBeGreaterThan(turned + 3))
  clearInterval(loop)
})

test('however many file systems do not answer, the files of others are read in time', async () => {
  const looks = await Promise.all(dead.mounts.map(mount => check(join(mount, 'number'))))
  for (const look of looks)
    expect(look).toMatchObject({
      reason: 'local-error',
      layer: 'SOCKERR',
      detail: expect.stringMatching(silent),
    })
  // Two have the threads that are for this; the others a process each.
  expect(readers()).toHaveLength(dead.mounts.length - 2)
  const lively = join(folder, 'lively')
  for (const [text, found] of [
    ['0', { passed: true, detail: 'value 0' }],
    ['1\n', { passed: false, detail: 'value 1' }],
    ['one', { reason: 'bad-body', answer: 'one' }],
  ] as const) {
    writeFileSync(lively, text)
    expect(await check(lively)).toMatchObject(found)
  }
  expect(await check(join(folder, 'none'))).toMatchObject({ passed: true, detail: 'value 0' })
  expect(await check(join(lively, 'below'))).toMatchObject({ passed: true, detail: 'value 0' })
  expect(await check(folder)).toMatchObject({ reason: 'local-error', detail: expect.stringContaining('directory') })
  const heard = new Map<string, unknown>()
  const reader = createFileReader((path, what) => heard.set(path, what))
  writeFileSync(lively, '7')
  reader.look(new Set([...dead.mounts.map(mount => join(mount, 'tracked')), lively]), () => 0)
  await vi.waitFor(() => expect(heard).toEqual(new Map([[lively, { number: 7 }]])))
  // Neither has anything else of this process to wait.
  const own = join(folder, 'journal')
  await writeFile(own, 'kept')
  expect(await readFile(own, 'latin1')).toBe('kept')
  // Attempt after attempt, no further process.
  expect(await check(join(dead.mounts[11] ?? '', 'number'), 50)).toEqual(looks[11])
  expect(readers()).toHaveLength(dead.mounts.length - 2)
})

test('programs on a file system that does not answer are refused within two seconds, however many; the others are looked at', () => {
  const [mount] = dead.mounts
  const file = `directors:
  d1: { address: 127.0.0.1 }
virtual_routers:
  web: { vrid: 51, interface: lo, vips: [10.9.0.100/32], track: { scripts: [uplink, again, here] } }
scripts:
  uplink: { argv: [${mount}/check-uplink] }
  again: { argv: [${mount}/check-again] }
  here: { argv: [/bin/true] }
`
  const began = performance.now()
  const loaded = loadText(file, '/x/lvskeeper.yaml', { node: 'd1' })
  expect(performance.now() - began).toBeLessThan(3_500)
  const told = (loaded.ok ? [] : loaded.errors).filter(({ code }) => code === 'program-missing')
  expect(told.map(({ line, message }) => [line, message])).toEqual([
    [6, `${mount}/check-uplink cannot be run: its file system did not answer within 2 s`],
    [7, `${mount}/check-again cannot be run: its file system did not answer within 2 s`],
  ])
})

test('of several file systems that do not answer each further one is waited for half a second', () => {
  const mounts = dead.mounts.slice(0, 4)
  const file = `directors:
  d1: { address: 127.0.0.1 }
virtual_routers:
  web: { vrid: 51, interface: lo, vips: [10.9.0.100/32], track: { scripts: [${mounts.map((_, at) => `s${at}`).join(', ')}] } }
scripts:
${mounts.map((mount, at) => `  s${at}: { argv: [${mount}/check] }`).join('\n')}
`
  const began = performance.now()
  const loaded = loadText(file, '/x/lvskeeper.yaml', { node: 'd1' })
  expect(performance.now() - began).toBeLessThan(5_500)
  const told = (loaded.ok ? [] : loaded.errors).filter(({ code }) => code === 'program-missing')
  expect(told.map(({ message }) => message)).toEqual(
    mounts.map((mount, at) => `${mount}/check cannot be run: its file system did not answer within ${at ? 0.5 : 2} s`),
  )
})
