import { readdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, expect, test } from 'vitest'
import { dial as nodeDial } from '../../checkers/dial.js'
import type { Dial } from '../../checkers/ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import { createBatchDial } from '../../src/linux/batch-dial.js'
import { checks, hostile } from './hostile-servers.js'
import { listen } from './listen.js'

const batch = createBatchDial()
afterAll(() => batch.stop())
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const ATTEMPTS = 100_000

test.each([
  ['over Node’s sockets', nodeDial],
  ['in batches through libc', batch as Dial],
])('100,000 attempts at hostile servers %s leave neither descriptors nor memory behind', async (_, dial) => {
  const accepted = new Set<Socket>()
  const hangUp = () => {
    for (const socket of accepted) socket.destroy()
  }
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
  const probes = Object.values(checks).map(spec => probeFor(spec, { dial }))
  let passed = 0
  const round = async () => {
    const outcomes = await Promise.all(
      targets.flatMap(target => probes.map(probe => probe(target, AbortSignal.timeout(30)))),
    )
    passed += outcomes.filter(outcome => outcome.passed).length
    hangUp()
    return outcomes.length
  }
  const measure = async () => {
    // Connections that the servers had not accepted yet, when they were last hung up on, come in late.
    for (let tries = 0; tries < 20; tries++) {
      hangUp()
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return { descriptors: readdirSync('/proc/self/fd').length, memory: heapUsed + external }
  }
  // Compiled code and caches come first.
  for (let count = 0; count < ATTEMPTS / 20; ) count += await round()
  const before = await measure()
  for (let count = 0; count < ATTEMPTS; ) count += await round()
  const after = await measure()
  console.log({ before, after })
  expect(passed).toBe(0)
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 2)
  expect(after.memory).toBeLessThan(before.memory + 10 * 2 ** 20)
})
