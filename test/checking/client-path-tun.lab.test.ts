import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Director, standing, weights } from './lab.js'

const vip = '10.9.0.100'
const web = `TCP ${vip}:80`
const both = { '10.9.0.21:80': 1, '10.9.0.22:80': 1 }
const interval = 3_000
const file = `
directors:
  d1: { address: 10.9.0.11 }
virtual_routers:
  web: { vrid: 51, interface: eth0, advert_interval: 200ms, vips: [${vip}/32] }
checks:
  port: { tcp: {}, interval: 500ms, timeout: 400ms, rise: 2, fall: 2 }
  path:
    tcp: {}
    client_path: { from: all }
    interval: ${interval}ms
    fast_interval: 100ms
    down_interval: 500ms
    timeout: 800ms
    rise: 2
    fall: 2
virtual_servers:
  web:
    address: ${vip}:80
    scheduler: rr
    forward: tun
    checks: [port, path]
    real_servers: [10.9.0.21, 10.9.0.22]
`

let lab: ReturnType<typeof standing>
let d1: Director
const soon = (check: () => void | Promise<void>, timeout = 30_000) => vi.waitFor(check, { timeout, interval: 50 })
const on = (host: string, ...command: string[]) => lab.net.exec(host, ...command)

async function said(address: string, name: string) {
  const server = (await d1.status())?.services[0]?.realServers.find(each => each.address === address)
  return server?.checks.find(check => check.name === name)
}

beforeAll(async () => {
  lab = standing(`ct${process.pid % 1000}`, '--mode', 'tun', '--real-servers', '2')
  d1 = lab.make('d1', file)
  d1.start()
  await d1.up(30_000)
  await soon(() => expect(d1.holds(vip)).toBe(true))
})
afterAll(() => lab?.end())

// Each goes on from the one before.
describe('a check along the clients’ path through a tunnel', { retry: 0 }, () => {
  test('passes for healthy real servers, from the holder itself', async () => {
    await soon(() => expect(weights(d1, web)).toEqual(both))
    for (const address of ['10.9.0.21', '10.9.0.22'])
      await soon(async () => expect((await said(address, 'path'))?.last).toMatchObject({ passed: true }))
  })

  test.each([
    ['a tunnel that is down', ['ip', 'link', 'set', 'tunl0', 'down'], ['ip', 'link', 'set', 'tunl0', 'up'], /tunnel/],
    [
      'a VIP that is missing on tunl0',
      ['ip', 'address', 'del', `${vip}/32`, 'dev', 'tunl0'],
      ['ip', 'address', 'add', `${vip}/32`, 'dev', 'tunl0'],
      /missing on tunl0/,
    ],
    [
      'a VIP that is missing on a real server which forwards,',
      ['sh', '-c', `sysctl -qw net.ipv4.ip_forward=1; ip address del ${vip}/32 dev tunl0`],
      ['sh', '-c', `ip address add ${vip}/32 dev tunl0; sysctl -qw net.ipv4.ip_forward=0`],
      /sends the packets on: VIP missing on tunl0/,
    ],
    [
      'rp_filter, which drops what comes out of the tunnel,',
      ['sysctl', '-qw', 'net.ipv4.conf.tunl0.rp_filter=1'],
      ['sysctl', '-qw', 'net.ipv4.conf.tunl0.rp_filter=0'],
      /rp_filter/,
    ],
  ])(
    '%s takes the real server out within two intervals, though its plain check passes',
    async (what, fault, mend, told) => {
      const start = performance.now()
      await on('rs1', ...fault)
      try {
        await soon(() => expect(weights(d1, web)).toEqual({ '10.9.0.22:80': 1 }))
        const took = performance.now() - start
        console.log(`${what}: out after ${Math.round(took)} ms, at an interval of ${interval} ms`)
        expect(took).toBeLessThan(2 * interval + 10_000)
        expect((await said('10.9.0.21', 'port'))?.verdict).toBe('up')
        // One attempt may have met the fault half way: what the next ones say counts.
        await soon(async () => expect((await said('10.9.0.21', 'path'))?.last?.detail).toMatch(told))
      } finally {
        await on('rs1', ...mend)
      }
      await soon(() => expect(weights(d1, web)).toEqual(both))
    },
  )
})
