import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { segment } from '../linux/namespaces.js'
import { deadMounts } from '../tracking/dead-mounts.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)
let dead: Awaited<ReturnType<typeof deadMounts>> | undefined
const lively = join(one.folder, 'lively')

beforeAll(async () => {
  dead = await deadMounts(one.folder, 6)
  const pace = 'interval: 300ms, fast_interval: 300ms, timeout: 250ms, fall: 2, rise: 1'
  const paths = [...dead.mounts.map(mount => join(mount, 'switch')), lively]
  writeFileSync(lively, '0\n')
  one.write(`directors:
  d1: { address: 10.9.0.11 }
checks:
${paths.map((path, at) => `  f${at}: { file: { path: ${path} }, ${pace} }`).join('\n')}
virtual_servers:
  web:
    address: 10.9.0.100:80
    forward: nat
    checks: [${paths.map((_, at) => `f${at}`)}]
    require: any
    real_servers: ["10.9.0.12:8001"]
`)
})
afterAll(async () => {
  await one.stop()
  await dead?.end()
  one.remove()
  net.remove()
})

/** The processes that read files of a mount that is dead. */
const readers = () =>
  execFileSync('ps', ['-eo', 'args='], { encoding: 'latin1' })
    .split('\n')
    .filter(line => line.startsWith('dd ') && line.includes(one.folder))

test('with six dead mounts a file elsewhere is heard in time, and the director still leaves at once', async () => {
  await one.start()
  const server = (status: Awaited<ReturnType<typeof one.status>>) => status.services[0]?.realServers[0]
  await one.until('the server to be up', status => server(status)?.state === 'up')
  await one.until('the dead ones to be told of', status => readers().length === 4 && blind(status) === 6)
  function blind(status: Awaited<ReturnType<typeof one.status>>): number | undefined {
    return server(status)?.checks.filter(({ last }) => last?.detail?.startsWith('no answer from the file system since'))
      .length
  }
  for (const [text, state] of [
    ['1', 'down'],
    ['0', 'up'],
  ]) {
    writeFileSync(lively, `${text}\n`)
    const written = performance.now()
    await one.until(`it to be ${state}`, status => server(status)?.checks.at(-1)?.verdict === state)
    const ms = performance.now() - written
    console.log(`${state} after ${ms.toFixed(0)} ms`)
    // Two failures at 300 ms, and the machine's own pauses.
    expect(ms).toBeLessThan(3_000)
  }
  const left = performance.now()
  await one.stop()
  // The parent waits five seconds for a process before it kills it.
  expect(performance.now() - left).toBeLessThan(4_000)
  expect(readers()).toEqual([])
})
