import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { StoredEvent } from '../../src/events/store.js'
import { compiled, segment } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)
const file = (more = '') => `directors:
  d1: { address: 10.9.0.11 }
virtual_servers:
  web: { address: 10.9.0.100:80, forward: nat, check: none, real_servers: [10.9.0.21] }
${more}`
beforeAll(async () => {
  one.write(file())
  await one.start()
})
afterAll(async () => {
  await one.stop()
  one.remove()
  net.remove()
})

test('`events -f` goes on over restarts of the director and of its sockets, each event once', async () => {
  const program = join(compiled(), 'src/main.js')
  const child = net.a.start(process.execPath, program, 'events', '-f', '--json', '--run-dir', one.run)
  let [out, err] = ['', '']
  child.stdout?.on('data', chunk => {
    out += chunk
  })
  child.stderr?.on('data', chunk => {
    err += chunk
  })
  const events = () =>
    out
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as StoredEvent)
  const seen = (name: string, times: number) =>
    vi.waitFor(() => expect(events().filter(event => event.name === name)).toHaveLength(times), 20_000)
  try {
    await seen('director.started', 1)
    await one.post('/v1/restart')
    await seen('director.started', 2)
    const socket = join(one.folder, 'elsewhere', 'status.sock')
    one.write(file(`api: { status_socket: ${socket} }\n`))
    await one.post('/v1/reload')
    await seen('config.applied', 1)
    expect(readlinkSync(join(one.run, 'status.sock'))).toBe(socket)
    expect(lstatSync(socket).isSocket()).toBe(true)
    one.write(file())
    await one.post('/v1/reload')
    await seen('config.applied', 2)
    expect(existsSync(socket)).toBe(false)
    await vi.waitFor(
      () => expect(err.split('\n').filter(line => line === 'the director is back').length).toBeGreaterThan(1),
      20_000,
    )
    const numbers = events().map(({ seq }) => seq)
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index))
  } finally {
    child.kill()
  }
}, 60_000)
