import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Director, events, standing, weights } from './lab.js'

const vip = '10.9.0.100'
const hosts = [21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32].map(last => `10.9.0.${last}`)
const part = (n: number) => hosts.slice(n * 4, n * 4 + 4)
const file = (home: string) => `
directors:
  d1: { address: 10.9.0.11 }
virtual_routers:
  web: { vrid: 51, interface: eth0, advert_interval: 200ms, vips: [${vip}/32] }
checks:
  echo: { icmp: {}, interval: 1s, fast_interval: 200ms, timeout: 900ms, rise: 1, fall: 2 }
mass_failure_guard: { hold: 8s, weight: -50 }
virtual_servers:
  a: { address: ${vip}:80, scheduler: rr, forward: dr, check: echo, real_servers: [${part(0)}], sorry_server: 10.9.0.40 }
  b: { address: ${vip}:81, scheduler: rr, forward: dr, check: echo, real_servers: [${part(1)}] }
  c: { address: ${vip}:82, scheduler: rr, forward: dr, check: echo, real_servers: [${part(2)}] }
  listed: { address: ${vip}:83, scheduler: wrr, forward: dr, check: none, real_servers: [{ file: ${home}/servers.json, refresh: 60s }] }
`

let lab: ReturnType<typeof standing>
let d1: Director
const soon = (check: () => void | Promise<void>, timeout = 30_000) => vi.waitFor(check, { timeout, interval: 50 })
const names = async () => (await events(d1)).map(({ name }) => name)
const full = (n: number, port: number) => Object.fromEntries(part(n).map(address => [`${address}:${port}`, 1]))
const sleep = (ms: number) => new Promise(wake => setTimeout(wake, ms))

beforeAll(async () => {
  lab = standing(`cr${process.pid % 1000}`, '--real-servers', '12', '--router', '--no-nginx')
  writeFileSync(join(lab.home, 'servers.json'), JSON.stringify(['10.9.0.21']))
  d1 = lab.make('d1', file(lab.home))
  d1.start()
  await d1.up(30_000)
  await soon(() =>
    expect([0, 1, 2].map(n => weights(d1, `TCP ${vip}:8${n}`))).toEqual([0, 1, 2].map(n => full(n, 80 + n))),
  )
})
afterAll(() => lab?.end())

// Each goes on from the one before.
describe('the director’s own trouble', { retry: 0 }, () => {
  test('a link of its own without carrier takes no real server out', async () => {
    await lab.net.cut('d1')
    await sleep(4_000)
    expect(weights(d1, `TCP ${vip}:80`)).toEqual(full(0, 80))
    const status = await d1.status()
    expect(status?.services[0]?.realServers[0]?.checks[0]?.last).toMatchObject({ reason: 'local-error' })
    expect(status?.services[0]?.realServers[0]?.checks[0]?.last?.detail).toContain('eth0 has no carrier')
    expect(status?.notices.find(({ code }) => code === 'checks.own-trouble')?.text).toContain('eth0 has no carrier')
    await lab.net.heal('d1')
    expect(await names()).not.toContain('server.down')
    await soon(async () => {
      const now = await d1.status()
      expect(now?.services[0]?.realServers[0]?.checks[0]?.last).toMatchObject({ passed: true })
    })
  })

  test('one dead real server is out, though the guard watches', async () => {
    await lab.net.cut('rs1')
    await soon(() => expect(weights(d1, `TCP ${vip}:80`)).not.toHaveProperty('10.9.0.21:80'))
    expect(await names()).not.toContain('guard.holding')
    await lab.net.heal('rs1')
    await soon(() => expect(weights(d1, `TCP ${vip}:80`)).toEqual(full(0, 80)))
  })

  test('a switch that forwards nothing any more holds the table, for as long as the file says', async () => {
    await lab.net.exec('sw', 'ip', 'link', 'set', 'd1', 'nomaster')
    await soon(async () => expect(await names()).toContain('guard.holding'))
    const found = (await events(d1)).find(({ name }) => name === 'guard.holding')
    expect(found).toMatchObject({
      level: 'alarm',
      text: expect.stringMatching(/at most 8 s: .* of 12 real servers went silent at once/),
    })
    await soon(() => expect(weights(d1, `TCP ${vip}:80`)).toEqual(full(0, 80)), 3_000)
    // The status is published a moment after the event.
    await soon(async () => {
      const status = await d1.status()
      expect(status?.services[0]?.held).toMatch(/went silent at once/)
      expect(status?.notices.map(({ code }) => code)).toContain('service.held')
      expect(status?.routers[0]?.priority).toMatchObject({ base: 100, effective: 50 })
    }, 5_000)
    await soon(async () => expect(await names()).toContain('guard.spent'))
    // Then the verdicts apply, and the sorry server where there is one.
    await soon(() => expect(weights(d1, `TCP ${vip}:80`)).toEqual({ '10.9.0.40:80': 1 }))
    expect(weights(d1, `TCP ${vip}:81`)).toEqual({})
    await lab.net.exec('sw', 'ip', 'link', 'set', 'd1', 'master', 'br0')
    await soon(async () => expect(await names()).toContain('guard.ended'))
    await soon(() => expect(weights(d1, `TCP ${vip}:80`)).toEqual(full(0, 80)))
    await soon(async () => expect((await d1.status())?.routers[0]?.priority).toMatchObject({ effective: 100 }))
  })
})

// Each goes on from the one before.
describe('real servers out of a file', { retry: 0 }, () => {
  test('follow the file as it is replaced, and stay when it makes no sense', async () => {
    const path = join(lab.home, 'servers.json')
    const replace = (text: string) => {
      writeFileSync(`${path}.new`, text)
      renameSync(`${path}.new`, path)
    }
    expect(weights(d1, `TCP ${vip}:83`)).toEqual({ '10.9.0.21:83': 1 })
    replace(JSON.stringify([{ targets: ['10.9.0.22', '10.9.0.23'], labels: { weight: '3' } }]))
    await soon(() => expect(weights(d1, `TCP ${vip}:83`)).toEqual({ '10.9.0.22:83': 3, '10.9.0.23:83': 3 }), 5_000)
    replace('[ 10.9')
    await soon(async () => expect(await names()).toContain('sources.failed'))
    expect(weights(d1, `TCP ${vip}:83`)).toEqual({ '10.9.0.22:83': 3, '10.9.0.23:83': 3 })
  })
})
