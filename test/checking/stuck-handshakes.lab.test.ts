import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Director, standing, weights } from './lab.js'

const vip = '10.9.0.100'
const both = { '10.9.0.21:80': 1, '10.9.0.22:80': 1 }
/** Its second check is anywhere in ten minutes. */
const file = `
directors:
  d1: { address: 10.9.0.11 }
virtual_routers:
  web: { vrid: 51, interface: eth0, advert_interval: 200ms, vips: [${vip}/32] }
virtual_servers:
  web:
    address: ${vip}:80
    scheduler: rr
    forward: dr
    check: { tcp: {}, interval: 10m, timeout: 400ms }
    real_servers: [10.9.0.21, 10.9.0.22]
`

let lab: ReturnType<typeof standing>
let d1: Director
const soon = (check: () => void | Promise<void>, timeout = 60_000) => vi.waitFor(check, { timeout, interval: 100 })

beforeAll(async () => {
  lab = standing(`cs${process.pid % 1000}`, '--real-servers', '2')
  d1 = lab.make('d1', file)
  d1.start()
  await d1.up(30_000)
  await soon(() => expect([d1.holds(vip), weights(d1, `TCP ${vip}:80`)]).toEqual([true, both]))
})
afterAll(() => lab?.end())

test('clients that get no answer from one real server are seen and hasten its check, which decides', async () => {
  // Its answers to clients are lost; those to the director's check are not.
  await lab.net.exec('rs1', 'ip', 'rule', 'add', 'from', vip, 'blackhole')
  const connect = `for n in 1 2 3 4 5 6 7 8 9 10 11 12; do timeout 2 bash -c '</dev/tcp/${vip}/80' & done; wait; true`
  await lab.net.exec('cl', 'bash', '-c', connect)
  await soon(async () => {
    const status = await d1.status()
    const [rs1, rs2] = status?.services[0]?.realServers ?? []
    expect(rs1).toMatchObject({ address: '10.9.0.21', state: 'up' })
    expect(rs1?.stuckHandshakes).toBeGreaterThanOrEqual(3)
    expect(rs2?.stuckHandshakes).toBeUndefined()
  })
  const told = await d1.cli('explain', 'web/10.9.0.21')
  expect(told).toMatch(/\d clients got no answer, or do not take it: their connections are stuck in SYN_RECV/)
  expect(await d1.cli('status')).toMatch(/10\.9\.0\.21:80 .*\d stuck in SYN_RECV/)
  // The first check and the one that was hastened; it passes, and so the real server stays.
  expect(told.match(/L4OK +[\d.]+ms/g)?.length).toBeGreaterThanOrEqual(2)
  expect(weights(d1, `TCP ${vip}:80`)).toEqual(both)
})
