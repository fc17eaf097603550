import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Director, standing, weights } from './lab.js'

const vip = '10.9.0.100'
const web = `TCP ${vip}:80`
const file = `
directors:
  d1: { address: 10.9.0.11 }
virtual_routers:
  web: { vrid: 51, interface: eth0, advert_interval: 100ms, vips: [${vip}/32] }
checks:
  port: { tcp: {}, interval: 300ms, fast_interval: 50ms, timeout: 400ms, rise: 2, fall: 2 }
virtual_servers:
  web:
    address: ${vip}:80
    scheduler: wrr
    forward: dr
    check: port
    quorum: 2
    slow_start: 8s
    sorry_server: 10.9.0.24
    real_servers:
      - { address: 10.9.0.21, weight: 2 }
      - { address: 10.9.0.22, weight: 2 }
      - { address: 10.9.0.23, weight: 2, tier: 2 }
  kept:
    address: ${vip}:81
    scheduler: rr
    forward: dr
    on_down: inhibit
    check: { port: 80, tcp: {}, interval: 300ms, fast_interval: 50ms, timeout: 400ms, rise: 2, fall: 2 }
    start: up
    real_servers: [10.9.0.21, 10.9.0.22]
`

let lab: ReturnType<typeof standing>
let d1: Director
const table = (service: string) => weights(d1, service)
const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 20 })

beforeAll(async () => {
  lab = standing(`cp${process.pid % 1000}`, '--real-servers', '4')
  d1 = lab.make('d1', file)
  d1.start()
  await d1.up(30_000)
})
afterAll(() => lab?.end())

// Each goes on from the one before.
describe('a pool behind the running program', { retry: 0 }, () => {
  test('has the first tier with its weight, and the second one with weight 0', () =>
    soon(() => expect(table(web)).toEqual({ '10.9.0.21:80': 2, '10.9.0.22:80': 2, '10.9.0.23:80': 0 })))

  test('loses a real server whose process dies, and only that', async () => {
    lab.nginx('kill', 'rs1')
    await soon(() => expect(table(web)).toEqual({ '10.9.0.22:80': 2, '10.9.0.23:80': 0 }))
    await soon(() => expect(table(`TCP ${vip}:81`)).toEqual({ '10.9.0.21:81': 0, '10.9.0.22:81': 1 }))
  })

  test('keeps a dead real server out while the checkers crash and come again', async () => {
    const seen = watchFor(() => '10.9.0.21:80' in (table(web) ?? {}) || table(`TCP ${vip}:81`)?.['10.9.0.21:81'] === 1)
    const before = d1.pids().checkers
    const crashed = Date.now()
    d1.crash([before])
    await soon(() => expect(d1.pids().checkers).not.toBe(before))
    await checkedAgain(crashed)
    expect(seen.end()).toBe(0)
    expect(table(web)).toEqual({ '10.9.0.22:80': 2, '10.9.0.23:80': 0 })
  })

  test('keeps it out through a restart of the whole program', async () => {
    const seen = watchFor(() => '10.9.0.21:80' in (table(web) ?? {}) || table(`TCP ${vip}:81`)?.['10.9.0.21:81'] === 1)
    await d1.stop()
    const stopped = Date.now()
    d1.start()
    await d1.up(30_000)
    await checkedAgain(stopped)
    expect(seen.end()).toBe(0)
  })

  test('takes a real server back in steps', async () => {
    const steps = new Set<string>()
    const seen = watchFor(() => {
      const found = table(web)
      const own = found?.['10.9.0.21:80']
      if (own !== undefined) steps.add((own / (found?.['10.9.0.22:80'] ?? 1)).toFixed(2))
      return false
    })
    lab.nginx('start', 'rs1')
    await soon(() => expect(table(web)).toEqual({ '10.9.0.21:80': 2, '10.9.0.22:80': 2, '10.9.0.23:80': 0 }))
    seen.end()
    expect([...steps].filter(step => Number(step) < 1).length).toBeGreaterThan(1)
  })

  test('takes a drained real server out when nothing is left of it, and back when it is ready', async () => {
    await d1.cli('drain', 'web/10.9.0.22', '--reason', 'test')
    await soon(() => expect(table(web)).toEqual({ '10.9.0.21:80': 2, '10.9.0.23:80': 0 }))
    await d1.cli('ready', 'web/10.9.0.22')
    await soon(() => expect(table(web)?.['10.9.0.22:80']).toBe(2))
  })

  test('falls back to its second tier, then to the sorry server', async () => {
    lab.nginx('kill', 'rs1')
    lab.nginx('kill', 'rs2')
    await soon(() => expect(table(web)).toEqual({ '10.9.0.23:80': 2 }))
    lab.nginx('kill', 'rs3')
    await soon(() => expect(table(web)).toEqual({ '10.9.0.24:80': 1 }))
    await soon(async () => {
      const status = await d1.status()
      expect(status?.services.find(({ name }) => name === 'web')).toMatchObject({ state: 'down', sorry: true })
    })
    for (const host of ['rs1', 'rs2', 'rs3']) lab.nginx('start', host)
    await soon(() => expect(table(web)).toEqual({ '10.9.0.21:80': 2, '10.9.0.22:80': 2, '10.9.0.23:80': 0 }))
  })
})

/** The dead real server has been checked again, often enough to come up; and a while longer. */
async function checkedAgain(since: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const last = (await d1.status())?.services[0]?.realServers[0]?.checks[0]?.last
      expect(last?.passed === false && last.at > since + 1_000).toBe(true)
    },
    { timeout: 20_000, interval: 50 },
  )
  await new Promise(wake => setTimeout(wake, 500))
}

/** Looks every few milliseconds; `end` answers how often it was so. */
function watchFor(what: () => boolean): { end(): number } {
  let count = 0
  const timer = setInterval(() => {
    if (what()) count++
  }, 10)
  return {
    end() {
      clearInterval(timer)
      return count
    },
  }
}
