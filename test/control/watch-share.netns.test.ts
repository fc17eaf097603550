import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { explainText } from '../../src/status/explain-text.js'
import { segment } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)
/** One process serves all four: it dies with four watch connections, and its kernel refuses from then on. */
const ports = [8001, 8002, 8003, 8004]
const listener = `let left = ${ports.length}
for (const port of [${ports}]) require('node:net').createServer(() => {}).listen(port, '10.9.0.12', () => --left || console.log('listening'))`
const fast = 600
const file = (more = '') => `directors:
  d1: { address: 10.9.0.11 }
virtual_servers:
  web:
    address: 10.9.0.100:80
    forward: nat
    check: { tcp: {}, interval: 30s, fast_interval: ${fast}ms, timeout: 500ms, rise: 1, fall: 3 }
    real_servers: [${ports.map(port => `"10.9.0.12:${port}"`).join(', ')}]
${more}`

beforeAll(() => one.write(file()))
afterAll(async () => {
  server?.kill('SIGKILL')
  await one.stop()
  one.remove()
  net.remove()
})

let server: ChildProcess | undefined
async function serve(): Promise<void> {
  server?.kill('SIGKILL')
  server = spawn('ip', ['netns', 'exec', net.b.name, process.execPath, '-e', listener], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise(listening => server?.stdout?.once('data', listening))
}
const all = (state: string) =>
  one.until(`all four ${state}`, ({ services }) => {
    const servers = services[0]?.realServers ?? []
    return servers.length === ports.length && servers.every(each => each.state === state)
  })

test('of four servers that die at once the watch connections alone take out two, the other two go by fall', async () => {
  await serve()
  await one.start()
  await all('up')

  const killed = Date.now()
  server?.kill('SIGKILL')
  await all('down')
  const after = (await one.events())
    .filter(({ name, at }) => name === 'server.down' && at >= killed)
    .map(({ at }) => at - killed)
    .sort((a, b) => a - b)
  console.log(`out after ${after.join(', ')} ms`)
  expect(after).toHaveLength(4)
  // Three failures take two pauses of `fast_interval`, a little less each for the jitter.
  expect(after[1]).toBeLessThan(fast)
  expect(after[2]).toBeGreaterThan(2 * fast * 0.9)
})

test('explain says who is knocked at meanwhile', async () => {
  const text = async () => explainText(await one.explain('web/10.9.0.12:8001'))
  await expect.poll(text, { timeout: 5_000 }).toMatch(/L4CON in .*; knocked at every 600ms, [0-9]+ times so far$/m)
})

test('status says that watch connections are wanting', async () => {
  one.write(file('check_limits: { watch_share: 0 }'))
  await one.post('/v1/reload')
  await serve()
  await all('up')
  const text = "no watch connection for 4 servers' ports, there is room for 0"
  await one.until('the notice', ({ notices }) =>
    notices.some(notice => notice.code === 'watch.lacking' && notice.text.startsWith(text)),
  )
})
