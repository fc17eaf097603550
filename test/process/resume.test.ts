import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Held } from '../../src/messages.js'
import { restartDelay } from '../../src/process/backoff.js'
import { type Paths, resumeFile } from '../../src/process/paths.js'
import { forgetResume, readResume, writeResume } from '../../src/process/resume.js'
import { runningPid } from '../../src/process/running.js'

let folder: string
let paths: Paths
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lvskeeper-resume-'))
  paths = { config: join(folder, 'lvskeeper.yaml'), run: folder, state: folder }
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const held = (router: string, patience: number): Held => ({
  router,
  patience,
  vips: [{ address: '10.9.0.100', prefix: 32, interface: 'eth0' }],
})
const ago = (ms: number) => process.hrtime.bigint() - BigInt(Math.round(ms * 1e6))

describe('what a restart remembers', () => {
  test('is what was held, its patience shortened by the time since the last advert', () => {
    writeResume(paths, [held('web', 3_000)], ago(500))
    const [web, ...more] = readResume(paths)
    expect(more).toEqual([])
    expect(web).toMatchObject({ router: 'web', vips: held('web', 0).vips })
    expect(web?.patience).toBeLessThanOrEqual(2_500)
    expect(web?.patience).toBeGreaterThan(1_500)
  })

  test('leaves out what the other directors have taken meanwhile', () => {
    writeResume(paths, [held('fast', 400), held('slow', 60_000)], ago(500))
    expect(readResume(paths).map(({ router }) => router)).toEqual(['slow'])
  })

  test('is read once: a crash later is no restart', () => {
    writeResume(paths, [held('web', 60_000)], ago(0))
    expect(readResume(paths)).toHaveLength(1)
    expect(readResume(paths)).toEqual([])
  })

  test('means nothing after a reboot, nor from the future', () => {
    writeResume(paths, [held('web', 60_000)], ago(0))
    const text = readFileSync(resumeFile(paths), 'utf8')
    writeFileSync(resumeFile(paths), text.replace(/"boot":"[^"]+"/, '"boot":"another"'))
    expect(readResume(paths)).toEqual([])
    writeResume(paths, [held('web', 60_000)], ago(-5_000))
    expect(readResume(paths)).toEqual([])
  })

  test('is nothing where the file is torn, missing or forgotten', () => {
    expect(readResume(paths)).toEqual([])
    writeFileSync(resumeFile(paths), '{"boot":')
    expect(readResume(paths)).toEqual([])
    writeResume(paths, [held('web', 60_000)], ago(0))
    forgetResume(paths)
    expect(readResume(paths)).toEqual([])
  })
})

describe('a child that died is started again', () => {
  test('twice at once, then after 1, 2, 4 and at most 10 s', () => {
    const deaths = [100_000, 100_100, 100_200, 100_300, 100_400, 100_500, 100_600]
    const delays = deaths.map((at, index) => restartDelay(deaths.slice(0, index + 1), at))
    expect(delays).toEqual([0, 0, 1_000, 2_000, 4_000, 8_000, 10_000])
  })

  test('at once again when it had lived for a minute', () => {
    expect(restartDelay([100_000, 100_100, 170_000], 170_000)).toBe(0)
  })
})

describe('the pid file of a director', () => {
  test.each(['', 'x', '0', '1', '-5', String(process.pid), '999999999'])('%j is no running director', content => {
    writeFileSync(join(folder, 'lvskeeper.pid'), content)
    expect(runningPid(paths)).toBeUndefined()
  })
})
