import { getEventListeners } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, describe, expect, test } from 'vitest'
import { dial as nodeDial } from '../../checkers/dial.js'
import type { Dial, Outcome, Target } from '../../checkers/ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import type { ProbeSpec } from '../../checkers/spec.js'
import { createBatchDial } from '../../src/linux/batch-dial.js'
import { httpSpec } from './check-spec.js'
import { checks, secureChecks } from './hostile-checks.js'
import { hostile, ok } from './hostile-servers.mjs'
import { listen, pem } from './listen.js'

const batch = createBatchDial()
afterAll(() => batch.stop())
const TIMEOUT = 60

async function attempt(
  spec: ProbeSpec,
  dial: Dial,
  target: Target,
): Promise<{ outcome: Outcome; took: number; listeners: number }> {
  const probe = probeFor(spec, { dial })
  const end = new AbortController()
  const timer = setTimeout(() => end.abort(), TIMEOUT)
  const began = performance.now()
  const outcome = await probe(target, end.signal)
  clearTimeout(timer)
  return { outcome, took: performance.now() - began, listeners: getEventListeners(end.signal, 'abort').length }
}

const descriptors = () => readdirSync('/proc/self/fd').length

describe.each([
  ['over Node’s sockets', nodeDial],
  ['in batches through libc', batch as Dial],
])('checks %s', (_, dial) => {
  test.each(Object.keys(hostile))('of every kind end in time, with a reason, at a server that %s', async name => {
    const target = await listen(createServer({ allowHalfOpen: true }, hostile[name]))
    const results = await Promise.all(
      Object.entries(checks).map(async ([kind, spec]) => ({ kind, ...(await attempt(spec, dial, target)) })),
    )
    for (const { kind, outcome, took, listeners } of results) {
      expect(outcome, kind).toMatchObject({ passed: false })
      expect(outcome, kind).not.toMatchObject({ reason: 'local-error' })
      expect(took, kind).toBeLessThan(TIMEOUT + 1000)
      // One for all attempts that a signal serves (on-abort.ts), or none.
      expect(listeners, kind).toBeLessThanOrEqual(1)
    }
  })

  test('leave no descriptor behind, over hundreds of attempts', async () => {
    const accepted = new Set<Socket>()
    const targets = await Promise.all(
      Object.values(hostile).map(serve =>
        listen(
          createServer({ allowHalfOpen: true }, socket => {
            accepted.add(socket)
            socket.once('close', () => accepted.delete(socket))
            serve(socket)
          }),
        ),
      ),
    )
    const round = () =>
      Promise.all(targets.flatMap(target => Object.values(checks).map(spec => attempt(spec, dial, target))))
    const before = descriptors()
    for (let count = 0; count < 500; ) count += (await round()).length
    // The servers' ends are theirs: half of them never look whether anybody is left.
    for (const socket of accepted) socket.destroy()
    for (let tries = 0; descriptors() > before && tries < 100; tries++)
      await new Promise(resolve => setTimeout(resolve, 20))
    expect(descriptors()).toBeLessThanOrEqual(before)
  }, 30_000)
})

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('checks under %s', maxVersion => {
  const key = { cert: pem('server.crt'), key: pem('server.key') }
  // A TLS stream of Node's cannot be reset.
  test.each(Object.keys(hostile).filter(name => !name.includes('resets')))(
    'of every kind end in time, with a reason, at a server that %s inside',
    async name => {
      const options = { ...key, maxVersion, ALPNProtocols: ['h2', 'http/1.1'], allowHalfOpen: true }
      const target = await listen(createTlsServer(options, hostile[name]))
      const results = await Promise.all(
        Object.entries(secureChecks).map(async ([kind, spec]) => ({ kind, ...(await attempt(spec, batch, target)) })),
      )
      for (const { kind, outcome, took } of results) {
        expect(outcome, kind).toMatchObject({ passed: false })
        expect(outcome, kind).not.toMatchObject({ reason: 'local-error' })
        expect(took, kind).toBeLessThan(TIMEOUT + 1000)
      }
    },
  )
})

test('a pattern that would keep other engines busy for ever is matched in time', async () => {
  const body = `${'a'.repeat(20_000)}!`
  const target = await listen(
    createServer(socket => socket.once('data', () => socket.end(`${ok}Content-Length: ${body.length}\r\n\r\n${body}`))),
  )
  const began = performance.now()
  const outcome = await probeFor(httpSpec({ bodyRegex: '^(a+)+$' }))(target, AbortSignal.timeout(9000))
  expect(outcome).toMatchObject({ passed: false, reason: 'bad-body' })
  expect(performance.now() - began).toBeLessThan(3000)
})
