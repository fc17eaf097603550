import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { segment } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)
const listener = `require('node:net').createServer(s => s.end()).listen(8001, '10.9.0.11', () => console.log('listening'))`

beforeAll(() => {
  one.write(`directors:
  d1: { address: 10.9.0.11 }
virtual_servers:
  web:
    address: 10.9.0.100:8001
    forward: nat
    check: { tcp: {}, interval: 1s, fast_interval: 200ms, timeout: 200ms, rise: 1, fall: 3 }
    real_servers: [10.9.0.11]
`)
})
afterAll(async () => {
  await one.stop()
  one.remove()
  net.remove()
})

test('health goes on within a second after kill -9 of checkers, natively', async () => {
  const server = spawn('ip', ['netns', 'exec', net.a.name, process.execPath, '-e', listener], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await new Promise(listening => server.stdout.once('data', listening))
    await one.start()
    const state = (status: Awaited<ReturnType<typeof one.status>>) => status.services[0]?.realServers[0]?.state
    const { processes } = await one.until('the real server to be up', status => state(status) === 'up')
    process.kill(processes.find(({ role }) => role === 'checkers')!.pid!, 'SIGKILL')
    const killed = Date.now()
    const next = await one.until(
      'the next check',
      status => (status.services[0]?.realServers[0]?.checks[0]?.last?.at ?? 0) > killed && state(status) === 'up',
    )
    const ms = Date.now() - killed
    console.log(`checkers killed: the next check was seen after ${ms} ms`)
    expect(next.processes.find(({ role }) => role === 'checkers')?.state).toBe('running')
    // The figure of a quiet machine stands in docs/figures.md.
    expect(ms).toBeLessThan(5_000)
  } finally {
    server.kill('SIGKILL')
  }
})
