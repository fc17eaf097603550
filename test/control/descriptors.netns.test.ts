import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { segment, sleep } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)
let server: ChildProcess | undefined
const listener = `require('node:http').createServer((_, answer) => answer.end('fine')).listen(8001, '10.9.0.12', () => console.log('listening'))
const udp = require('node:dgram').createSocket('udp4')
udp.on('message', (bytes, from) => udp.send(bytes, from.port, from.address)).bind(8001, '10.9.0.12')`
const kinds = ['tcp', 'http', 'udp', 'exec', 'file']

beforeAll(async () => {
  const switched = join(one.folder, 'switch')
  writeFileSync(switched, '0\n')
  const pace = 'interval: 300ms, fast_interval: 300ms, timeout: 250ms, fall: 2, rise: 1'
  one.write(`directors:
  d1: { address: 10.9.0.11 }
checks:
  tcp: { tcp: {}, ${pace} }
  http: { http: { path: / }, ${pace} }
  udp: { udp: { send: x, require_reply: true }, ${pace} }
  exec: { exec: { argv: ['/bin/true'] }, ${pace} }
  file: { file: { path: ${switched} }, ${pace} }
virtual_servers:
  web:
    address: 10.9.0.100:80
    forward: nat
    checks: [${kinds}]
    real_servers: ["10.9.0.12:8001"]
`)
  server = spawn('ip', ['netns', 'exec', net.b.name, process.execPath, '-e', listener], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise(listening => server?.stdout?.once('data', listening))
})
afterAll(async () => {
  server?.kill('SIGKILL')
  await one.stop()
  one.remove()
  net.remove()
})

test('with no descriptor left no check counts against its server, and status says so', async () => {
  await one.start()
  const checksOf = ({ services }: Awaited<ReturnType<typeof one.status>>) => services[0]?.realServers[0]?.checks ?? []
  const words = (status: Parameters<typeof checksOf>[0]) =>
    checksOf(status).map(({ name, verdict, last }) => `${name} ${verdict} ${last?.reason ?? 'passed'}`)
  const fine = kinds.map(kind => `${kind} up passed`)
  const { processes } = await one.until('all checks pass', status => `${words(status)}` === `${fine}`)
  const checkers = processes.find(({ role }) => role === 'checkers')?.pid
  const limit = (soft: number | string) => execFileSync('prlimit', ['--pid', `${checkers}`, `--nofile=${soft}:`])

  const before = /Max open files +(\d+)/.exec(execFileSync('cat', [`/proc/${checkers}/limits`], { encoding: 'latin1' }))
  // Fewer than it has open: as with a table that is full, every new one is refused.
  limit(3)
  const blind = kinds.map(kind => `${kind} up local-error`)
  const status = await one.until('own trouble of every kind', status => `${words(status)}` === `${blind}`)
  expect(status.notices).toContainEqual(
    expect.objectContaining({
      code: 'checks.own-trouble',
      text: expect.stringMatching(/^5 could not be made last time \(EMFILE/),
    }),
  )
  console.log(
    checksOf(status)
      .map(({ name, last }) => `${name}: ${last?.layer} ${last?.detail}`)
      .join('; '),
  )
  // As many failures as would take it out twice.
  await sleep(1_500)
  expect(words(await one.status())).toEqual(blind)
  limit(before?.[1] ?? 1024)
  const after = await one.until('all checks pass again', status => `${words(status)}` === `${fine}`)
  expect(after.processes.find(({ role }) => role === 'checkers')).toMatchObject({ pid: checkers, restarts: 0 })
  expect((await one.events()).filter(({ name }) => name === 'server.down')).toEqual([])
})
