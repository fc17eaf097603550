import { fork } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dial as nodeDial } from '../../checkers/dial.js'
import type { Dial } from '../../checkers/ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import { createBatchDial } from '../../src/linux/batch-dial.js'
import { checks } from './hostile-checks.js'

const batch = createBatchDial()
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const ATTEMPTS = 100_000

/** In a process of their own: what they lose is theirs. */
const servers = fork(join(import.meta.dirname, 'hostile-servers.mjs'))
let ports: number[] = []
beforeAll(async () => {
  ports = await new Promise<number[]>(resolve => servers.once('message', message => resolve(message as number[])))
})
afterAll(() => {
  batch.stop()
  servers.disconnect()
})

test.each([
  ['over Node’s sockets', nodeDial],
  ['in batches through libc', batch as Dial],
])('100,000 attempts at hostile servers %s leave neither descriptors nor memory behind', async (_, dial) => {
  const targets = ports.map(port => ({ address: '127.0.0.1', port }))
  const probes = Object.values(checks).map(spec => probeFor(spec, { dial }))
  let passed = 0
  const round = async () => {
    const outcomes = await Promise.all(
      targets.flatMap(target => probes.map(probe => probe(target, AbortSignal.timeout(30)))),
    )
    passed += outcomes.filter(outcome => outcome.passed).length
    return outcomes.length
  }
  const measure = async () => {
    await new Promise(resolve => setTimeout(resolve, 2000))
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return { descriptors: readdirSync('/proc/self/fd').length, heapUsed, external }
  }
  // Compiled code and caches come first.
  for (let count = 0; count < ATTEMPTS / 20; ) count += await round()
  const before = await measure()
  for (let count = 0; count < ATTEMPTS; ) count += await round()
  const after = await measure()
  console.log({ before, after })
  expect(passed).toBe(0)
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors)
  // 50 bytes for each attempt would be a leak.
  expect(after.heapUsed + after.external).toBeLessThan(before.heapUsed + before.external + 50 * ATTEMPTS)
})
