import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { outcomeOf } from '../../checkers/exec.js'
import type { Ping } from '../../checkers/ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import { createReports } from '../../checkers/push.js'
import type { ExecSpec, FileSpec, IcmpSpec } from '../../checkers/spec.js'
import { within } from './listen.js'

const target = { address: '192.0.2.1', port: 80 }

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'lvskeeper-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

describe('an exec check', () => {
  const run = (argv: string[], over: Partial<ExecSpec> = {}, ms = 5000) =>
    probeFor({ kind: 'exec', argv, exit: 'plain', ...over })(target, within(ms))
  const sh = (script: string, over: Partial<ExecSpec> = {}, ms = 5000) => run(['/bin/sh', '-c', script], over, ms)

  test('passes on exit 0 and tells the first line', async () => {
    const script = 'echo "$LVSKEEPER_ADDRESS $LVSKEEPER_PORT $A $1"; echo more'
    expect(await run(['/bin/sh', '-c', script, 'sh', '{address}:{port}'], { env: { A: 'a' } })).toEqual({
      passed: true,
      layer: 'L7OK',
      detail: '192.0.2.1 80 a 192.0.2.1:80',
    })
  })

  test('gives the program no environment of ours', async () => {
    process.env['SECRET_OF_OURS'] = 'x'
    onTestFinished(() => {
      delete process.env['SECRET_OF_OURS']
    })
    expect(await sh('test -z "$SECRET_OF_OURS"')).toMatchObject({ passed: true })
  })

  test.runIf(process.getuid?.() === 0)(
    'runs as the user and group that it was told, and in no other group',
    async () => {
      const script = 'echo "$(id -u) $(id -g) $(id -G)"'
      expect(await sh(script, { uid: 65_534, gid: 65_533 })).toMatchObject({ detail: '65534 65533 65533' })
      expect(await sh('cat /etc/shadow', { uid: 65_534, gid: 65_534 })).toMatchObject({ reason: 'exit-code' })
    },
  )

  test('fails on another exit, with what was printed on either channel', async () => {
    expect(await sh('echo bad >&2; exit 3')).toEqual({
      passed: false,
      reason: 'exit-code',
      layer: 'L7STS',
      detail: 'exit 3',
      answer: 'bad',
    })
    expect(await sh('kill -9 $$')).toMatchObject({ reason: 'exit-code', detail: 'killed by SIGKILL' })
  })

  test('is killed with all its children when time is up', async () => {
    const file = join(folder(), 'pid')
    const began = performance.now()
    expect(await sh(`sleep 60 & echo $! > ${file}; wait`, {}, 200)).toMatchObject({
      reason: 'timeout',
      layer: 'L7TOUT',
    })
    expect(performance.now() - began).toBeLessThan(2000)
    const pid = Number(readFileSync(file, 'latin1'))
    await gone(pid)
  })

  test('leaves nothing behind when it ends', async () => {
    const file = join(folder(), 'pid')
    expect(await sh(`sleep 60 & echo $! > ${file}`)).toMatchObject({ passed: true })
    await gone(Number(readFileSync(file, 'latin1')))
  })

  test('that cannot be started is no failure of the server', async () => {
    expect(await run(['/nonexistent/program'])).toMatchObject({ reason: 'local-error' })
  })

  test('may print without end', async () => {
    expect(await sh('yes', {}, 200)).toMatchObject({ reason: 'timeout' })
  })

  test.each([
    ['plain', 1, { passed: false }],
    ['nagios', 1, { passed: true, warning: 'text' }],
    ['nagios', 2, { passed: false, reason: 'exit-code' }],
    ['nagios', 3, { passed: false, reason: 'exit-code' }],
    ['misc-dynamic', 1, { passed: false, reason: 'exit-code' }],
    ['misc-dynamic', 2, { passed: true, wish: { weight: 0 } }],
    ['misc-dynamic', 255, { passed: true, wish: { weight: 253 } }],
  ] as const)('reads exits the way of %s: %i', (exit, code, outcome) =>
    expect(outcomeOf(code, exit, 'text')).toMatchObject(outcome),
  )
})

/** Killed processes of others stay as zombies until their parent looks; those are gone too. */
async function gone(pid: number) {
  expect(pid).toBeGreaterThan(1)
  for (let tries = 0; tries < 200; tries++) {
    try {
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))) return
    } catch {
      return
    }
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  expect.fail(`process ${pid} is still there`)
}

describe('a file check', () => {
  const look = (path: string, over: Partial<FileSpec> = {}) =>
    probeFor({ kind: 'file', path, ...over })(target, within(5000))

  test('passes by the number in it', async () => {
    const path = folder()
    writeFileSync(join(path, '192.0.2.1-80'), '5\n')
    const file = join(path, '{address}-{port}')
    expect(await look(file)).toMatchObject({ passed: false, reason: 'bad-status', detail: 'value 5' })
    expect(await look(file, { weight: -2 })).toMatchObject({ passed: true, wish: { add: -10 } })
    expect(await look(join(path, 'none'))).toMatchObject({ passed: true, detail: 'value 0' })
    writeFileSync(join(path, '192.0.2.1-80'), 'five')
    expect(await look(file)).toMatchObject({ reason: 'bad-body', answer: 'five' })
    // A pipe that nobody writes holds nobody up.
    execFileSync('mkfifo', [join(path, 'pipe')])
    expect(await look(join(path, 'pipe'))).toMatchObject({ passed: true, detail: 'value 0' })
    expect(await look(path)).toMatchObject({ reason: 'local-error', detail: expect.stringContaining('EISDIR') })
  })

  test('passes by its being there', async () => {
    const path = join(folder(), 'maintenance')
    expect(await look(path, { exists: false })).toMatchObject({ passed: true })
    expect(await look(path, { exists: true })).toMatchObject({ passed: false })
    writeFileSync(path, '')
    expect(await look(path, { exists: false })).toMatchObject({ passed: false })
    expect(await look(path, { exists: true })).toMatchObject({ passed: true })
  })
})

describe('a push check', () => {
  test('says what was reported last, until that is too old', async () => {
    let now = 0
    const reports = createReports(() => now)
    const probe = probeFor({ kind: 'push', id: 'batch', ttl: 1000 }, { reports, now: () => now })
    const say = () => probe(target, within(5000))
    expect(await say()).toMatchObject({ reason: 'local-error' })
    reports.add('batch', '*', { passed: true, layer: 'L7OK' })
    expect(await say()).toMatchObject({ passed: true })
    now = 500
    reports.add('batch', '192.0.2.1', { passed: false, reason: 'not-serving', layer: 'L7STS' })
    expect(await say()).toMatchObject({ reason: 'not-serving' })
    now = 600
    reports.add('batch', '*', { passed: true, layer: 'L7OK' })
    expect(await say()).toMatchObject({ passed: true })
    now = 1601
    expect(await say()).toMatchObject({ reason: 'stale', layer: 'L7TOUT' })
  })
})

describe('an icmp check', () => {
  const echo = (answers: ({ rtt: number } | { errno: string })[], over: Partial<IcmpSpec> = {}) => {
    const ping: Ping = async () => answers.shift() ?? { errno: 'ETIMEDOUT' }
    const spec: IcmpSpec = { kind: 'icmp', count: answers.length, maxLoss: 0, size: 56, ...over }
    return probeFor(spec, { ping })(target, within(5000))
  }

  test('counts loss and round trips', async () => {
    expect(await echo([{ rtt: 1 }, { rtt: 2 }])).toMatchObject({ passed: true, detail: 'round trip 1.50 ms' })
    expect(await echo([{ rtt: 1 }, { errno: 'ETIMEDOUT' }])).toMatchObject({ reason: 'timeout', detail: '50 % lost' })
    expect(await echo([{ rtt: 1 }, { errno: 'ETIMEDOUT' }], { maxLoss: 0.5 })).toMatchObject({ passed: true })
    expect(await echo([{ rtt: 9 }], { maxRtt: 5 })).toMatchObject({ reason: 'lag' })
    expect(await echo([{ errno: 'EHOSTUNREACH' }])).toMatchObject({ reason: 'unreachable' })
    expect(await echo([{ errno: 'ENOBUFS' }])).toMatchObject({ reason: 'local-error' })
  })

  test('is a local error where it is not possible', async () => {
    const probe = probeFor({ kind: 'icmp', count: 1, maxLoss: 0, size: 56 })
    expect(await probe(target, within(100))).toMatchObject({
      reason: 'local-error',
      detail: 'icmp checks are not possible here',
    })
  })
})
