import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Status } from '../../src/status/status.js'
import { segment } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)
const alone = 'directors:\n  d1: { address: 10.9.0.11 }\n'
/** Nobody answers there: it takes seconds until the first verdict, and where the kernel has no table the start has no end. */
const serving = `${alone}virtual_servers:
  web:
    address: 10.9.0.100:8001
    forward: nat
    check: { tcp: {}, timeout: 9s, interval: 10s }
    real_servers: [10.9.0.99]
`
beforeAll(async () => {
  one.write(serving)
  await one.start()
})
afterAll(async () => {
  await one.stop()
  one.remove()
  net.remove()
})

/** The nice level of each thread of a process (proc(5), field 19 of stat), each once. */
function levels({ processes }: Status, role: string): string {
  const pid = processes.find(one => one.role === role && one.state === 'running')?.pid
  if (pid === undefined) return 'not running'
  const found = readdirSync(`/proc/${pid}/task`).flatMap(thread => {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
      return [stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]]
    } catch {
      // It has ended meanwhile.
      return []
    }
  })
  return [...new Set(found)].join()
}

/** The levels are least ones: whoever runs the tests may be further behind. */
const level = (least: number) => `${Math.max(least, getPriority())}`

test('control comes after traffic in every thread, and checkers until the start is over', async () => {
  const status = await one.until('checkers to start', now => levels(now, 'checkers') !== 'not running', 30_000)
  expect(levels(status, 'control')).toBe(level(10))
  expect(levels(status, 'checkers')).toBe(level(5))
  one.write(alone)
  await one.post('/v1/reload')
  await one.until('checkers to be ready', now => levels(now, 'checkers') === level(0), 30_000)
})

test('a checkers process that replaces a dead one does not wait', async () => {
  one.write(serving)
  await one.post('/v1/reload')
  const before = await one.status()
  const pid = before.processes.find(({ role }) => role === 'checkers')?.pid ?? 0
  process.kill(pid, 'SIGKILL')
  const after = await one.until(
    'another one',
    ({ processes }) => processes.some(one => one.role === 'checkers' && one.state === 'running' && one.pid !== pid),
    30_000,
  )
  expect(levels(after, 'checkers')).toBe(level(0))
})
