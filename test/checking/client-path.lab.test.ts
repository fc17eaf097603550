import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Director, events, standing, weights } from './lab.js'

const vip = '10.9.0.100'
const web = `TCP ${vip}:80`
const file = (from: string) => `
directors:
  d1: { address: 10.9.0.11, priority: 150 }
  d2: { address: 10.9.0.12, priority: 100 }
peer_key_file: /run/lvskeeper-lab/peer.key
virtual_routers:
  web: { vrid: 51, interface: eth0, advert_interval: 200ms, vips: [${vip}/32] }
checks:
  port: { tcp: {}, interval: 500ms, timeout: 400ms, rise: 2, fall: 2 }
  path: { tcp: {}, client_path: ${from}, interval: 500ms, fast_interval: 100ms, timeout: 400ms, rise: 2, fall: 2 }
virtual_servers:
  web:
    address: ${vip}:80
    scheduler: rr
    forward: dr
    checks: [port, path]
    real_servers: [10.9.0.21, 10.9.0.22]
`

let lab: ReturnType<typeof standing>
let d1: Director
let d2: Director
let listener: ChildProcess | undefined
const soon = (check: () => void | Promise<void>, timeout = 30_000) => vi.waitFor(check, { timeout, interval: 50 })
const both = { '10.9.0.21:80': 1, '10.9.0.22:80': 1 }
const on = (host: string, ...command: string[]) => lab.net.exec(host, ...command)

/** What the check of this name says of a real server, as `status` has it. */
async function said(one: Director, address: string, name: string) {
  const status = await one.status()
  const server = status?.services[0]?.realServers.find(each => each.address === address)
  return server?.checks.find(check => check.name === name)
}

beforeAll(async () => {
  lab = standing(`cq${process.pid % 1000}`, '--real-servers', '2')
  d1 = lab.make('d1', file('true'))
  d1.start()
  await d1.up(30_000)
  d2 = lab.make('d2')
  d2.start()
  await d2.up(30_000)
  await soon(() => expect(d1.holds(vip)).toBe(true))
})
afterAll(async () => {
  listener?.kill('SIGKILL')
  await lab?.end()
})

// Each goes on from the one before.
describe('a check along the clients’ path', { retry: 0 }, () => {
  test('passes for healthy real servers, by services of its own that are no virtual servers', async () => {
    await soon(() => expect(weights(d1, web)).toEqual(both))
    await soon(async () => expect((await said(d2, '10.9.0.21', 'path'))?.last).toMatchObject({ passed: true }))
    expect(d2.table().filter(([name]) => name.startsWith('FWM'))).toHaveLength(2)
    const status = await d2.status()
    expect(status?.services.map(({ name }) => name)).toEqual(['web'])
  })

  test('the holder leaves it to the other director, and says so', async () => {
    expect((await said(d1, '10.9.0.21', 'path'))?.last).toMatchObject({ passed: false, reason: 'local-error' })
    expect((await said(d1, '10.9.0.21', 'path'))?.last?.detail).toContain('holds 10.9.0.100')
  })

  test('a VIP that is missing on lo takes the real server out on both, though its plain check passes', async () => {
    await on('rs1', 'ip', 'address', 'del', `${vip}/32`, 'dev', 'lo')
    await soon(() => expect(weights(d2, web)).toEqual({ '10.9.0.22:80': 1 }))
    await soon(() => expect(weights(d1, web)).toEqual({ '10.9.0.22:80': 1 }))
    expect((await said(d1, '10.9.0.21', 'port'))?.verdict).toBe('up')
    expect((await said(d2, '10.9.0.21', 'path'))?.last?.detail).toContain('missing on lo')
    await on('rs1', 'ip', 'address', 'add', `${vip}/32`, 'dev', 'lo')
    await soon(() => expect(weights(d1, web)).toEqual(both))
  })

  test('a service that listens on its own address only is found, and named', async () => {
    lab.nginx('kill', 'rs2')
    const program = "require('node:net').createServer(s => s.end()).listen(80, '10.9.0.22')"
    listener = spawn('ip', ['netns', 'exec', lab.net.ns('rs2'), process.execPath, '-e', program], { stdio: 'ignore' })
    await soon(async () => expect((await said(d2, '10.9.0.22', 'port'))?.verdict).toBe('up'))
    await soon(() => expect(weights(d1, web)).toEqual({ '10.9.0.21:80': 1 }))
    await soon(async () =>
      expect((await said(d2, '10.9.0.22', 'path'))?.last?.detail).toContain('listens on its own address only'),
    )
    listener.kill('SIGKILL')
    lab.nginx('start', 'rs2')
    await soon(() => expect(weights(d1, web)).toEqual(both))
  })

  test('from the holder itself, where the file says `from: all`', async () => {
    await d2.stop()
    lab.write(file('{ from: all }'))
    await d1.cli('reload')
    await soon(async () => expect((await said(d1, '10.9.0.21', 'path'))?.last).toMatchObject({ passed: true }))
    await on('rs1', 'ip', 'address', 'del', `${vip}/32`, 'dev', 'lo')
    await soon(() => expect(weights(d1, web)).toEqual({ '10.9.0.22:80': 1 }))
    await on('rs1', 'ip', 'address', 'add', `${vip}/32`, 'dev', 'lo')
    await soon(() => expect(weights(d1, web)).toEqual(both))
  })
})

// Each goes on from the one before.
describe('a real server that answers ARP for the VIP', { retry: 0 }, () => {
  test('is found by the holder and named, with what to type there, until it stops', async () => {
    await on('rs1', 'sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=0')
    await soon(async () => {
      const found = (await events(d1)).find(({ name }) => name === 'arp.leak')
      expect(found?.data).toMatchObject({ vip, server: '10.9.0.21:80' })
      expect(JSON.stringify(found?.data)).toContain('arp_ignore=1')
    }, 60_000)
    const status = await d1.status()
    expect(status?.notices.map(({ code }) => code)).toContain('arp.leak')
    await on('rs1', 'sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1')
    await soon(async () => expect((await events(d1)).map(({ name }) => name)).toContain('arp.leak-ended'), 60_000)
  })
})
