import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Status } from '../../src/status/status.js'
import { segment } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)
const file = `directors:
  d1: { address: 10.9.0.11 }
virtual_servers:
  web:
    address: 10.9.0.100:8001
    forward: nat
    check: none
    real_servers: [10.9.0.21, 10.9.0.22]
`
beforeAll(async () => {
  one.write(file)
  await one.start()
})
afterAll(async () => {
  await one.stop()
  one.remove()
  net.remove()
})

const states = ({ services }: Status) => services[0]?.realServers.map(({ state }) => state)

test('what a person says of a real server shows in the status, also where the kernel has no table', async () => {
  const before = await one.until('both to serve', now => states(now)?.join() === 'unchecked,unchecked', 10_000)
  await one.post('/v1/overrides', { server: 'web/10.9.0.21', verb: 'maint', reason: 'disk' })
  const after = await one.until('maintenance', now => states(now)?.join() === 'maint,unchecked', 10_000)
  expect(after.services[0]).toMatchObject({ state: 'up', weightUp: 1, since: before.services[0]?.since })
  await one.post('/v1/overrides', { server: 'web/10.9.0.22', verb: 'force-down' })
  const down = await one.until('the service to be down', now => now.services[0]?.state === 'down', 10_000)
  expect(down.services[0]?.since).toBeGreaterThan(before.services[0]?.since ?? 0)
  await one.post('/v1/overrides', { server: 'web/10.9.0.21', verb: 'drain' })
  await one.until('a drain', now => states(now)?.[0] === 'drain', 10_000)
})
