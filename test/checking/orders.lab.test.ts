import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Director, events, standing, weights } from './lab.js'

const vip = '10.9.0.100'
const pace = 'interval: 300ms, fast_interval: 50ms, timeout: 200ms, rise: 1, fall: 2'
const file = (limit: number) => `
directors:
  d1: { address: 10.9.0.11 }
virtual_routers:
  web: { vrid: 51, interface: eth0, advert_interval: 200ms, vips: [${vip}/32] }
sysctls: { net.ipv4.vs.sloppy_tcp: 1 }
check_limits: { in_flight: ${limit}, programs: 2, watch_share: 0.1 }
override_limit: 1h
virtual_servers:
  kept:
    address: ${vip}:80
    scheduler: rr
    forward: dr
    check: { tcp: {}, ${pace}, manual_resume: true }
    real_servers: [10.9.0.21]
  pushed:
    address: ${vip}:81
    scheduler: rr
    forward: dr
    check: { push: { id: job, ttl: 60s }, ${pace} }
    real_servers: [10.9.0.22]
  elsewhere:
    address: ${vip}:82
    scheduler: rr
    forward: dr
    check: { arp: {}, ${pace} }
    real_servers: [10.9.0.21, 10.9.0.29]
  asked:
    address: ${vip}:83
    scheduler: rr
    forward: dr
    check: { tcp: {}, address: 10.9.0.22, port: 80, ${pace} }
    real_servers: [10.9.0.29]
`

let lab: ReturnType<typeof standing>
let d1: Director
const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 30 })
const table = (port: number) => weights(d1, `TCP ${vip}:${port}`)
const ask = (d1: Director) => d1 as Director & { ask(path: string, body: object): Promise<string> }

beforeAll(async () => {
  lab = standing(`co${process.pid % 1000}`, '--real-servers', '2')
  d1 = lab.make('d1', file(4))
  d1.start()
  await d1.up(30_000)
  await soon(() => expect(table(80)).toEqual({ '10.9.0.21:80': 1 }))
})
afterAll(() => lab?.end())

// Each goes on from the one before.
describe('what the file says besides', { retry: 0 }, () => {
  test('kernel settings by name are set', async () =>
    expect((await lab.net.exec('d1', 'sysctl', '-n', 'net.ipv4.vs.sloppy_tcp')).trim()).toBe('1'))

  test('ARP finds who is there, and who is not', () => soon(() => expect(table(82)).toEqual({ '10.9.0.21:82': 1 })))

  test('a check may ask somebody else than the real server', () =>
    soon(() => expect(table(83)).toEqual({ '10.9.0.29:83': 1 })))

  test('an override holds as long as the file says, over reloads too, and is named when it fits nothing any more', async () => {
    await d1.cli('drain', 'asked/10.9.0.29')
    const override = (await d1.status())?.overrides[0]
    expect((override?.until ?? 0) - (override?.at ?? 0)).toBeGreaterThan(3_590_000)
    expect((override?.until ?? 0) - (override?.at ?? 0)).toBeLessThan(3_610_000)
    lab.write(file(4).replace(/ {2}asked:[\s\S]*$/, ''))
    expect(await d1.cli('reload')).toMatch(/drain of asked\/10\.9\.0\.29\S* by \S+ fits no real server any more/)
    expect((await events(d1)).map(({ name }) => name)).toContain('override.unmatched')
    await soon(async () => expect(await d1.cli('status')).toContain('no real server is called so'))
    lab.write(file(4))
    await d1.cli('reload')
    expect((await d1.status())?.overrides).toEqual([override])
    await d1.cli('ready', 'asked/10.9.0.29')
  })

  test('other limits change no verdict', async () => {
    // The drain has just ended.
    await soon(async () => expect((await d1.status())?.services.find(({ name }) => name === 'asked')?.state).toBe('up'))
    const before = (await d1.status())?.services.map(({ name, state }) => [name, state])
    lab.write(file(2))
    await d1.cli('reload')
    await new Promise(wake => setTimeout(wake, 1_000))
    expect((await d1.status())?.services.map(({ name, state }) => [name, state])).toEqual(before)
    expect(table(80)).toEqual({ '10.9.0.21:80': 1 })
  })

  test('connection timeouts and what happens to drift follow the file over reloads, as a fresh start has them', async () => {
    const timeouts = async () => (await lab.net.exec('d1', 'ipvsadm', '-l', '--timeout')).match(/\d+/g)?.join(' ')
    const server = ['-t', `${vip}:82`, '-r', '10.9.0.21:82', '-g', '-w']
    const change = (weight: number) => lab.net.exec('d1', 'ipvsadm', '-e', ...server, String(weight))
    const drifts = async () =>
      (await events(d1)).flatMap(({ name, data }) => (name === 'table.drift' ? data?.['answer'] : []))
    const before = (await drifts()).length
    await soon(() => expect(table(82)).toEqual({ '10.9.0.21:82': 1 }))

    lab.write(`${file(2)}drift: report\ntimeouts: { tcp: 600s, udp: 200s }\n`)
    await d1.cli('reload')
    await soon(async () => expect(await timeouts()).toBe('600 120 200'))
    await change(7)
    await soon(async () => expect((await drifts()).slice(before)).toEqual(['reported']))
    expect(table(82)).toEqual({ '10.9.0.21:82': 7 })
    await d1.stop()
    d1.start()
    await d1.up(30_000)
    expect(await timeouts()).toBe('600 120 200')
    // What a start finds is made as the file says; what changes afterwards is drift.
    await soon(() => expect(table(82)).toEqual({ '10.9.0.21:82': 1 }))
    await change(9)
    await soon(async () => expect((await drifts()).slice(before)).toEqual(['reported', 'reported']))
    expect(table(82)).toEqual({ '10.9.0.21:82': 9 })

    lab.write(`${file(2)}timeouts: { tcp: 900s, udp: 300s }\n`)
    await d1.cli('reload')
    await soon(async () => expect(await timeouts()).toBe('900 120 300'))
    await soon(() => expect(table(82)).toEqual({ '10.9.0.21:82': 1 }))
    await change(7)
    await soon(() => expect(table(82)).toEqual({ '10.9.0.21:82': 1 }))
    lab.write(file(2))
    await d1.cli('reload')
    expect(await timeouts()).toBe('900 120 300')
  })

  test('what the kernel refuses is told with the line of the file that wants it', async () => {
    const text = `${file(2)}  lost:\n    { address: '${vip}:84', scheduler: twos, forward: dr, check: none, real_servers: [10.9.0.21] }\n`
    lab.write(text)
    await d1.cli('reload')
    const line = text.split('\n').findIndex(one => one.startsWith('  lost:')) + 1
    await soon(async () => {
      const refused = (await events(d1)).find(({ name }) => name === 'table.error')
      expect(refused?.text).toMatch(/ENOENT.*modprobe ip_vs_twos/)
      expect(refused?.text).toContain(`(lost in ${lab.file}:${line})`)
    })
    lab.write(file(2))
    await d1.cli('reload')
    await soon(async () => expect((await d1.status())?.table).not.toHaveProperty('failure'))
  })

  test('the checkers say how late their loop is, and what attempts took', async () => {
    await soon(async () => {
      const checkers = (await d1.status())?.processes.find(({ role }) => role === 'checkers')
      expect(checkers?.lag).toBeGreaterThanOrEqual(0)
    })
  })
})

// Each goes on from the one before.
describe('somebody’s word', { retry: 0 }, () => {
  test('a report through the API brings a real server in and takes it out', async () => {
    expect(table(81)).toEqual({})
    await ask(d1).ask('/v1/push/job', { passed: true })
    await soon(() => expect(table(81)).toEqual({ '10.9.0.22:81': 1 }))
    await ask(d1).ask('/v1/push/job', { passed: false, text: 'backup runs' })
    await soon(() => expect(table(81)).toEqual({}))
    await expect(ask(d1).ask('/v1/push/nobody', { passed: true })).rejects.toThrow('nobody')
  })

  test('with manual resume a real server stays out, though it passes, until somebody says ready', async () => {
    lab.nginx('kill', 'rs1')
    await soon(() => expect(table(80)).toEqual({}))
    lab.nginx('start', 'rs1')
    await new Promise(wake => setTimeout(wake, 2_000))
    expect(table(80)).toEqual({})
    const answer = await d1.cli('ready', 'kept/10.9.0.21')
    expect(answer).toContain('may come up again')
    await soon(() => expect(table(80)).toEqual({ '10.9.0.21:80': 1 }))
  })
})
