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

test('health goes on within a second after kill -9 of checkers, and of its spare right after it', async () => {
  const server = spawn('ip', ['netns', 'exec', net.a.name, process.execPath, '-e', listener], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await new Promise(listening => server.stdout.once('data', listening))
    await one.start()
    const state = (status: Awaited<ReturnType<typeof one.status>>) => status.services[0]?.realServers[0]?.state
    const { processes } = await one.until('the real server to be up', status => state(status) === 'up')
    const ready = await one.until('the spare', status => spareOf(status)?.ready === true)
    const spare = one.spareCheckers()!
    expect(spareOf(ready)?.pid).toBe(spare)
    function spareOf(status: Awaited<ReturnType<typeof one.status>>) {
      return status.processes.find(({ role }) => role === 'checkers')?.spare
    }
    const checkers = () => one.status().then(status => status.processes.find(({ role }) => role === 'checkers'))

    const killed = Date.now()
    process.kill(processes.find(({ role }) => role === 'checkers')!.pid!, 'SIGKILL')
    await goesOn('checkers', killed)
    expect(await checkers()).toMatchObject({ state: 'running', pid: spare, restarts: 1 })
    // One warning for a death, and its alert says what goes on.
    const told = (await one.events()).filter(({ subject }) => subject === 'process checkers')
    expect(told.map(({ name, level, data }) => [name, level, data])).toEqual([
      ['process.died', 'warning', { pid: expect.any(Number), follows: 'spare' }],
      ['process.promoted', 'info', { pid: spare }],
    ])
    expect(spareOf(await one.status())).toMatchObject({ ready: false })

    // No spare stands ready so soon: another process is started.
    const again = Date.now()
    process.kill(spare, 'SIGKILL')
    await goesOn('checkers without a spare', again)
    expect(await checkers()).toMatchObject({ state: 'running', restarts: 2 })

    async function goesOn(what: string, since: number): Promise<void> {
      await one.until(
        'the next check',
        status => (status.services[0]?.realServers[0]?.checks[0]?.last?.at ?? 0) > since && state(status) === 'up',
      )
      const ms = Date.now() - since
      console.log(`${what} killed: the next check was seen after ${ms} ms`)
      // The figure of a quiet machine stands in docs/figures.md.
      expect(ms).toBeLessThan(5_000)
    }
  } finally {
    server.kill('SIGKILL')
  }
})
