import { afterAll, beforeAll, expect, test } from 'vitest'
import { segment, sleep } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)

beforeAll(() => {
  one.write(`directors:
  d1: { address: 10.9.0.11 }
virtual_servers:
  web:
    address: 10.9.0.100:80
    forward: nat
    check: { arp: {}, interval: 300ms, fast_interval: 300ms, timeout: 250ms, fall: 2, rise: 1 }
    real_servers: ["10.9.0.12:8001"]
`)
})
afterAll(async () => {
  await one.stop()
  one.remove()
  net.remove()
})

test('a packet that our own queue has no room for (ENOBUFS) does not count against the server, and status says so', async () => {
  await one.start()
  const check = (status: Awaited<ReturnType<typeof one.status>>) => status.services[0]?.realServers[0]?.checks[0]
  await one.until('the check to pass', status => check(status)?.last?.passed === true)
  net.a.run('tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'pfifo', 'limit', '0')
  const full = await one.until('own trouble', status => check(status)?.last?.reason === 'local-error')
  expect(check(full)?.last).toMatchObject({ layer: 'SOCKERR', detail: 'ENOBUFS' })
  expect(full.notices).toContainEqual(
    expect.objectContaining({
      code: 'checks.own-trouble',
      text: expect.stringMatching(/^1 could not be made last time \(ENOBUFS/),
    }),
  )
  // As many failures as would take it out twice.
  await sleep(1_500)
  expect(check(await one.status())).toMatchObject({ verdict: 'up', last: { reason: 'local-error' } })
  net.a.run('tc', 'qdisc', 'del', 'dev', 'eth0', 'root')
  await one.until('the check to pass again', status => check(status)?.last?.passed === true)
  expect((await one.events()).filter(({ name }) => name === 'server.down')).toEqual([])
})
