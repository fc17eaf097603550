import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Director, events, standing, weights } from './lab.js'

const vip = '10.9.0.100'
const vip6 = 'fd00:9::100'
const web = `TCP ${vip}:80`
/** As the kernel prints them. */
const full = (last: string) => `[fd00:0009:0000:0000:0000:0000:0000:0${last}]:0050`
const web6 = `TCP ${full('100')}`
/** ms. The two attempts that must fail take the rest of the second one at most. */
const interval = 3_000
const file = (from: string) => `
directors:
  d1: { address: [10.9.0.11, "fd00:9::11"], priority: 150 }
  d2: { address: [10.9.0.12, "fd00:9::12"], priority: 100 }
peer_key_file: /run/lvskeeper-lab/peer.key
virtual_routers:
  web: { vrid: 51, interface: eth0, advert_interval: 200ms, vips: [${vip}/32] }
  web6: { vrid: 51, interface: eth0, advert_interval: 200ms, vips: ["${vip6}/128"] }
checks:
  port: { tcp: {}, interval: 500ms, timeout: 400ms, rise: 2, fall: 2 }
  path:
    { tcp: {}, client_path: ${from}, interval: ${interval}ms, fast_interval: 100ms, down_interval: 500ms, timeout: 800ms, rise: 2, fall: 2 }
virtual_servers:
  web:
    address: ${vip}:80
    scheduler: rr
    forward: dr
    checks: [port, path]
    real_servers: [10.9.0.21, 10.9.0.22]
  web6:
    address: "[${vip6}]:80"
    scheduler: rr
    forward: dr
    checks: [port, path]
    real_servers: ["fd00:9::21", "fd00:9::22"]
`

let lab: ReturnType<typeof standing>
let d1: Director
let d2: Director
let listener: ChildProcess | undefined
const soon = (check: () => void | Promise<void>, timeout = 30_000) => vi.waitFor(check, { timeout, interval: 50 })
const both6 = { [full('021')]: 1, [full('022')]: 1 }
const both = { '10.9.0.21:80': 1, '10.9.0.22:80': 1 }
const on = (host: string, ...command: string[]) => lab.net.exec(host, ...command)

/** What the check of this name says of a real server, as `status` has it. */
async function said(one: Director, address: string, name: string) {
  const status = await one.status()
  const servers = status?.services.flatMap(({ realServers }) => realServers)
  const server = servers?.find(each => each.address === address)
  return server?.checks.find(check => check.name === name)
}

/** Injects a fault, and tells how long its real server was in the master's table after that: two intervals, and what the lab costs. */
async function outWithin(what: string, inject: () => unknown, gone: () => void): Promise<void> {
  const start = performance.now()
  await inject()
  await soon(gone)
  const took = performance.now() - start
  console.log(`${what}: out after ${Math.round(took)} ms, at an interval of ${interval} ms`)
  expect(took).toBeLessThan(2 * interval + 10_000)
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
    await soon(() => expect([weights(d1, web), weights(d1, web6)]).toEqual([both, both6]))
    for (const address of ['10.9.0.21', 'fd00:9::21'])
      await soon(async () => expect((await said(d2, address, 'path'))?.last).toMatchObject({ passed: true }))
    expect(d2.table().filter(([name]) => name.startsWith('FWM'))).toHaveLength(4)
    const status = await d2.status()
    expect(status?.services.map(({ name }) => name)).toEqual(['web', 'web6'])
  })

  test('one of those services that somebody removes is put back', async () => {
    const marked = () => d2.table().filter(([name]) => name.startsWith('FWM'))
    const [name = ''] =
      marked().find(([, servers]) => servers.some(({ address }) => address.startsWith('10.9.0.21'))) ?? []
    const mark = Number.parseInt(name.split(/\s+/)[1] ?? '', 16)
    await on('d2', 'ipvsadm', '-D', '-f', String(mark))
    expect(marked()).toHaveLength(3)
    await soon(() => expect(marked()).toHaveLength(4))
    expect(marked().map(([service]) => service)).toContain(name)
  })

  test('the holder leaves it to the other director, and says so', async () => {
    for (const [address, held] of [
      ['10.9.0.21', vip],
      ['fd00:9::21', vip6],
    ] as const)
      await soon(async () => {
        const last = (await said(d1, address, 'path'))?.last
        expect(last).toMatchObject({ passed: false, reason: 'local-error' })
        expect(last?.detail).toContain(`holds ${held}`)
      })
  })

  test('a VIP that is missing on lo takes the real server out on both, though its plain check passes', async () => {
    const removal = `ip address del ${vip}/32 dev lo; ip address del ${vip6}/128 dev lo`
    await outWithin(
      'VIP missing on lo (IPv4 and IPv6)',
      () => on('rs1', 'sh', '-c', removal),
      () => expect([weights(d1, web), weights(d1, web6)]).toEqual([{ '10.9.0.22:80': 1 }, { [full('022')]: 1 }]),
    )
    await soon(() => expect(weights(d2, web)).toEqual({ '10.9.0.22:80': 1 }))
    for (const address of ['10.9.0.21', 'fd00:9::21']) {
      expect((await said(d1, address, 'port'))?.verdict).toBe('up')
      expect((await said(d2, address, 'path'))?.last?.detail).toContain('missing on lo')
    }
    await on('rs1', 'sh', '-c', removal.replaceAll('del', 'add'))
    await soon(() => expect([weights(d1, web), weights(d1, web6)]).toEqual([both, both6]))
  })

  test('a service that listens on its own address only is found, and named', async () => {
    const program =
      "for (const own of ['10.9.0.22', 'fd00:9::22']) require('node:net').createServer(s => s.end()).listen(80, own)"
    await outWithin(
      'listens on its own address only (IPv4 and IPv6)',
      () => {
        lab.nginx('kill', 'rs2')
        listener = spawn('ip', ['netns', 'exec', lab.net.ns('rs2'), process.execPath, '-e', program], {
          stdio: 'ignore',
        })
      },
      () => expect([weights(d1, web), weights(d1, web6)]).toEqual([{ '10.9.0.21:80': 1 }, { [full('021')]: 1 }]),
    )
    for (const address of ['10.9.0.22', 'fd00:9::22']) {
      await soon(async () => expect((await said(d2, address, 'port'))?.verdict).toBe('up'))
      await soon(async () =>
        expect((await said(d2, address, 'path'))?.last?.detail).toContain('listens on its own address only'),
      )
    }
    // Nothing but the clients' way speaks against it now.
    expect(weights(d1, web)).toEqual({ '10.9.0.21:80': 1 })
    listener?.kill('SIGKILL')
    lab.nginx('start', 'rs2')
    await soon(() => expect([weights(d1, web), weights(d1, web6)]).toEqual([both, both6]))
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
    // The status of a service is published a moment after the event.
    await soon(async () => expect((await d1.status())?.notices.map(({ code }) => code)).toContain('arp.leak'))
    await on('rs1', 'sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1')
    await soon(async () => expect((await events(d1)).map(({ name }) => name)).toContain('arp.leak-ended'), 60_000)
  })
})
