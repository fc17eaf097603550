import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { dial as nodeDial } from '../../checkers/dial.js'
import { createKnocks } from '../../checkers/knock.js'
import { createMonitor } from '../../checkers/monitor.js'
import type { MonitorPorts, Wanted } from '../../checkers/monitor-ports.js'
import type { Dial, Outcome, StreamEvents } from '../../checkers/ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import type { CheckSpec } from '../../checkers/spec.js'
import { checkSpec } from './check-spec.js'
import { systemClock } from './system-clock.js'
import { virtualClock } from './virtual-clock.js'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const pass: Outcome = { passed: true, layer: 'L4OK' }
const refused: Outcome = { passed: false, reason: 'refused', layer: 'L4CON' }
const silent: Outcome = { passed: false, reason: 'timeout', layer: 'L4TOUT' }
const wrong: Outcome = { passed: false, reason: 'bad-status', layer: 'L7STS' }

/** A dial in virtual time: connects are counted, and answered as the test says. */
function fakeDial(now: () => number) {
  const at: number[] = []
  const state = { answer: 'refused' as 'refused' | 'silent' | 'accepted', at, open: 0 }
  const dial: Dial = (_, events: StreamEvents) => {
    at.push(Math.round(now()))
    state.open++
    let open = true
    const end = (tell: () => void) => {
      if (!open) return
      open = false
      state.open--
      tell()
    }
    const { answer } = state
    queueMicrotask(() => {
      if (answer === 'refused') end(() => events.failed('ECONNREFUSED'))
      else if (answer === 'accepted' && open) events.connected()
    })
    return { send() {}, close: () => end(() => {}) }
  }
  return Object.assign(state, { dial })
}

/** A monitor in virtual time whose attempts end as `outcome` says; undefined: at their timeout. */
function setup(over: Partial<CheckSpec>, ports: Partial<MonitorPorts> = {}) {
  const time = virtualClock()
  const net = fakeDial(time.clock.now)
  const starts: number[] = []
  const verdicts: string[] = []
  const now: { outcome: Outcome | undefined } = { outcome: refused }
  const monitor = createMonitor({
    clock: time.clock,
    random: () => 0.5,
    probeFor: () => (_, signal) => {
      starts.push(Math.round(time.clock.now()))
      return new Promise(resolve => {
        if (now.outcome) resolve(now.outcome)
        else signal.addEventListener('abort', () => resolve(silent))
      })
    },
    onVerdict: ({ to }) => verdicts.push(`${Math.round(time.clock.now())} ${to}`),
    watch: { dial: net.dial, budget: 10 },
    ...ports,
  })
  const spec = checkSpec({ interval: 10_000, downInterval: 10_000, ...over })
  monitor.set(new Map<string, Wanted>([['a', { target: { address: 'a', port: 80 }, spec }]]))
  return { time, net, starts, verdicts, monitor, now }
}

describe('a server that is down because nobody listens', () => {
  test('is knocked at every fast_interval, and its checks are no more than before', async () => {
    const { time, net, starts, monitor } = setup({})
    await time.until(2_050)
    expect(net.at).toEqual([200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000])
    expect(starts).toEqual([0])
    expect(monitor.metrics().knocks).toEqual({ targets: 1, made: 10, open: 0 })
    expect(monitor.report('a')?.knocks).toEqual({ every: 200, made: 10 })
  })

  test('is checked as soon as somebody answers, and needs `rise` passes a fast_interval apart', async () => {
    const { time, net, starts, verdicts, now, monitor } = setup({})
    await time.until(900)
    net.answer = 'accepted'
    now.outcome = pass
    await time.until(2_000)
    expect(starts.slice(1)).toEqual([1000, 1200])
    expect(verdicts).toEqual(['0 down', '1200 up'])
    expect(monitor.report('a')).not.toHaveProperty('knocks')
    // The knock that was answered is hung up; what is open is the watch connection.
    expect(net.open).toBe(1)
  })

  test('is left alone by `watch: false`, while it is held down, and once its check is gone', async () => {
    const off = setup({ watch: { enabled: false, final: true } })
    await off.time.until(2_000)
    expect(off.net.at).toEqual([])
    const held = setup({ manualResume: true })
    await held.time.until(2_000)
    expect(held.net.at).toEqual([])
    const gone = setup({})
    await gone.time.until(500)
    gone.monitor.set(new Map())
    await gone.time.until(2_000)
    expect(gone.net.at).toEqual([200, 400])
    expect(gone.monitor.metrics().knocks.targets).toBe(0)
  })

  test('is not knocked at when its checks come as often', async () => {
    const { time, net, monitor } = setup({ interval: 200, downInterval: 200 })
    await time.until(2_000)
    expect(net.at).toEqual([])
    expect(monitor.report('a')).not.toHaveProperty('knocks')
  })
})

test('an answered knock where the check finds nobody hastens no more checks than one', async () => {
  const { time, net, starts } = setup({ interval: 2_000, downInterval: 2_000 })
  await time.until(500)
  net.answer = 'accepted'
  await time.until(8_000)
  // One by the knock; the others by the interval, and by a knock of the interval's own pace.
  expect(starts.length).toBeLessThanOrEqual(8)
})

test('a check along the clients’ way is not hastened by who answers on another way', async () => {
  const inner = { kind: 'tcp', steps: [] } as const
  const probe = { kind: 'client-path', vip: '10.9.0.100', vport: 80, mark: 1, inner } as const
  const { time, net } = setup({ probe })
  await time.until(3_000)
  expect(net.at).toEqual([])
})

test('a server that answers and says no is not knocked at', async () => {
  const { time, net, now, monitor } = setup({})
  now.outcome = wrong
  await time.until(2_000)
  expect(net.at).toEqual([])
  expect(monitor.health('a')?.verdict).toBe('down')
})

test('a knock that is answered ends an attempt that waits for its lost packet, and blames nobody for it', async () => {
  const { time, net, starts, verdicts, now, monitor } = setup({ timeout: 5_000 })
  now.outcome = undefined
  net.answer = 'silent'
  // Down at 5 s; the next attempt begins at 10 s and would hang until 15 s.
  await time.until(10_300)
  expect(verdicts).toEqual(['5000 down'])
  net.answer = 'accepted'
  now.outcome = pass
  await time.until(11_000)
  expect(starts).toHaveLength(4)
  expect(verdicts[1]).toMatch(/^10[4-9]\d\d up$/)
  expect(monitor.metrics().inFlight).toBe(0)
  expect(monitor.report('a')?.results.map(({ outcome }) => outcome.passed)).toEqual([false, true, true])
})

test('a thousand dead servers are knocked at no more than 200 times a second, and hold few descriptors', async () => {
  const time = virtualClock()
  const net = fakeDial(time.clock.now)
  net.answer = 'silent'
  const knocks = createKnocks({ clock: time.clock, random: () => 0.5, dial: net.dial, onAnswer: () => {} })
  for (let at = 0; at < 1_000; at++)
    knocks.nobody({ address: `a${at}`, port: 80 }, `${at}`, { fastInterval: 200, downInterval: 60_000 }, 0)
  // A round of the first ones to come, which were told the pace of few.
  await time.until(6_000)
  const before = net.at.length
  await time.until(11_000)
  expect(net.at.length - before).toBeLessThanOrEqual(1_000)
  expect(net.open).toBeLessThanOrEqual(256)
  knocks.stop()
  expect(net.open).toBe(0)
  expect(knocks.metrics()).toMatchObject({ targets: 0, open: 0 })
})

test('a real server that starts again is back within a second, though its interval is a minute', async () => {
  const start = (port: number) =>
    new Promise<Server>(resolve => {
      const server = createServer(socket => socket.on('error', () => {}))
      server.listen(port, '127.0.0.1', () => resolve(server))
    })
  const first = await start(0)
  const { port } = first.address() as { port: number }
  await new Promise(resolve => first.close(resolve))
  const verdicts: string[] = []
  const monitor = createMonitor({
    clock: systemClock,
    random: Math.random,
    probeFor,
    watch: { dial: nodeDial, budget: 10 },
    onVerdict: ({ to }) => verdicts.push(to),
  })
  closing.push(monitor.stop)
  const spec = checkSpec({ interval: 60_000, downInterval: 60_000 })
  monitor.set(new Map<string, Wanted>([['k', { target: { address: '127.0.0.1', port }, spec }]]))
  await expect.poll(() => verdicts, { timeout: 3_000, interval: 5 }).toEqual(['down'])
  await new Promise(resolve => setTimeout(resolve, 300))
  const again = await start(port)
  closing.push(() => again.close())
  const began = performance.now()
  await expect.poll(() => verdicts, { timeout: 5_000, interval: 5 }).toEqual(['down', 'up'])
  expect(performance.now() - began).toBeLessThan(1_000)
})
