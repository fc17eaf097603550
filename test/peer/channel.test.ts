import { createSocket, type Socket } from 'node:dgram'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { merge } from '../../src/control/overrides.js'
import type { Event, Override } from '../../src/messages.js'
import { fingerprint, openPeerChannel, type PeerChannel } from '../../src/peer/channel.js'
import type { PeerReport } from '../../src/peer/view.js'

const key = Buffer.from('a key of the pair')
const addresses = { d1: '127.83.0.1', d2: '127.83.0.2', wire: '127.83.0.3' }
const open: { stop(): void }[] = []
let port = 20_000 + Math.floor(Math.random() * 10_000)

afterEach(() => {
  for (const each of open.splice(0)) each.stop()
  port++
})

/** Waiting runs five times as fast, unless a test says otherwise: a round is 200 ms. */
const speed = 5
const clockOf = (speed: number) => ({
  now: () => performance.now() * speed,
  at(deadline: number, wake: () => void) {
    const timer = setTimeout(wake, Math.max(0, deadline / speed - performance.now()))
    return () => clearTimeout(timer)
  },
})

type Director = {
  channel: PeerChannel
  report: PeerReport
  overrides: Override[]
  events: Event[]
}

function director(
  name: 'd1' | 'd2',
  options: { keys?: Buffer[]; peer?: string; self?: string; at?: string; speed?: number; changed?: () => void } = {},
) {
  const other = name === 'd1' ? 'd2' : 'd1'
  const own: Director = {
    report: {
      version: '0.1.0',
      configHash: 'same',
      generation: 1,
      tableReady: true,
      syncReady: true,
      maintenance: false,
      routers: [{ name: 'web', vrid: 51, state: name === 'd1' ? 'master' : 'backup', priority: 100 }],
    },
    overrides: [],
    events: [],
    channel: undefined as unknown as PeerChannel,
  }
  own.channel = openPeerChannel({
    self: { name: options.self ?? name, addresses: [options.at ?? addresses[name]] },
    peers: [{ name: other, addresses: [options.peer ?? addresses[other]] }],
    port,
    keys: () => options.keys ?? [key],
    report: () => own.report,
    overrides: () => own.overrides,
    learned: theirs => {
      own.overrides = merge(own.overrides, theirs)
    },
    event: event => own.events.push(event),
    ...(options.changed ? { changed: options.changed } : {}),
    clock: clockOf(options.speed ?? speed),
  })
  open.push(own.channel)
  return own
}

const view = (from: Director) => from.channel.views()[0]!
const heard = (one: Director) =>
  vi.waitFor(() => expect(view(one).state).toBe('fresh'), { timeout: 5_000, interval: 20 })

/** Stands between the directors, as an attacker on the path would: keeps what passes, and can play it again. */
async function wire(from: string, to: string) {
  const taken: Buffer[] = []
  const socket: Socket = createSocket('udp4')
  socket.on('message', bytes => {
    taken.push(Buffer.from(bytes))
    socket.send(bytes, port, to)
  })
  await new Promise<void>(resolve => socket.bind(port, addresses.wire, resolve))
  open.push({ stop: () => socket.close() })
  return { taken, play: (bytes: Buffer) => socket.send(bytes, port, to), from }
}

function drain(port: number, author = 'alice'): Override {
  return { service: 'web', address: '10.9.0.21', port, verb: 'drain', author, at: 1_000 + port }
}

describe('two directors with the same key', () => {
  test('know each other within two seconds, with address, state and readiness', async () => {
    const d1 = director('d1')
    const d2 = director('d2')
    await heard(d1)
    await heard(d2)
    expect(view(d2)).toMatchObject({ name: 'd1', from: addresses.d1, report: { ...d1.report } })
    expect(view(d1).report?.routers).toEqual([{ name: 'web', vrid: 51, state: 'backup', priority: 100 }])
  })

  test('hear of a change at once, not at the next second', async () => {
    const d1 = director('d1', { speed: 1 })
    const d2 = director('d2', { speed: 1 })
    await heard(d1)
    await heard(d2)
    const started = performance.now()
    d1.report = { ...d1.report, maintenance: true }
    d1.channel.tell()
    await vi.waitFor(() => expect(view(d2).report?.maintenance).toBe(true), { timeout: 3_000, interval: 5 })
    expect(performance.now() - started).toBeLessThan(600)
  })

  test('agree on the overrides, also of a director that was away', async () => {
    const d1 = director('d1')
    d1.overrides = Array.from({ length: 450 }, (_, i) => drain(i + 1))
    const d2 = director('d2')
    d2.overrides = [{ ...drain(1), author: 'bob', at: 9_000, ended: true }]
    await vi.waitFor(() => expect(fingerprint(d1.overrides)).toBe(fingerprint(d2.overrides)), {
      timeout: 8_000,
      interval: 50,
    })
    expect(d2.overrides).toHaveLength(450)
    expect(d1.overrides.find(({ port }) => port === 1)).toMatchObject({ author: 'bob', ended: true })
  })

  test('know of each other’s overrides only once they have learned them: a director that was away, and one that went on', async () => {
    const d1 = director('d1')
    d1.overrides = Array.from({ length: 450 }, (_, i) => drain(i + 1))
    const d2 = director('d2')
    const learned: number[] = []
    const watching = setInterval(() => {
      if (d2.channel.agreed()) learned.push(d2.overrides.length)
    }, 1)
    expect(d2.channel.agreed()).toBe(false)
    await vi.waitFor(() => expect(d2.channel.agreed() && d1.channel.agreed()).toBe(true), {
      timeout: 8_000,
      interval: 5,
    })
    clearInterval(watching)
    expect(new Set(learned)).toEqual(new Set([450]))
    // For good: what is said from now on comes as it is said.
    d1.overrides = merge(d1.overrides, [drain(1_000)])
    expect([d1, d2].map(one => one.channel.agreed())).toEqual([true, true])
  })

  test('that do not hear each other wait three seconds for what the other may have to say, and say when that is over', async () => {
    const told: boolean[] = []
    const d1 = director('d1', { changed: () => told.push(d1.channel.agreed()) })
    const began = performance.now()
    await vi.waitFor(() => expect(told).toContain(true), { timeout: 5_000, interval: 5 })
    const waited = (performance.now() - began) * speed
    expect(waited).toBeGreaterThan(2_900)
    expect(waited).toBeLessThan(6_000)
    expect(told.filter(agreed => agreed)).toHaveLength(1)
  })

  test('send no overrides while they agree', async () => {
    const between = await wire(addresses.d1, addresses.d2)
    const d1 = director('d1', { peer: addresses.wire })
    const d2 = director('d2')
    d1.overrides = [drain(1)]
    d2.overrides = [drain(1)]
    await heard(d1)
    await heard(d2)
    d1.channel.tell()
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(between.taken.length).toBeGreaterThan(1)
    expect(between.taken.filter(bytes => bytes.includes('"verb"'))).toEqual([])
  })

  test('that differ do not talk each other into a storm', async () => {
    const d1 = director('d1')
    const d2 = director('d2')
    d1.overrides = [drain(1)]
    // Never merges: as a director of another version might.
    d2.channel.stop()
    const stubborn = director('d2')
    Object.defineProperty(stubborn, 'overrides', { get: () => [drain(2)], set: () => {} })
    await heard(d1)
    await heard(stubborn)
    const before = d1.channel.counters()['sent'] ?? 0
    await new Promise(resolve => setTimeout(resolve, 1_000 / speed))
    // A round a second, and at most five that were provoked.
    expect((d1.channel.counters()['sent'] ?? 0) - before).toBeLessThanOrEqual(7)
  })
})

describe('a datagram that should not be believed', () => {
  test('of a director with another key changes nothing and is counted', async () => {
    const d1 = director('d1')
    director('d2', { keys: [Buffer.from('another')] })
    await vi.waitFor(() => expect(d1.channel.counters()['mac']).toBeGreaterThan(0), { timeout: 3_000 })
    expect(view(d1).state).toBe('never')
  })

  test('played again, now or after the receiver started again, changes nothing', async () => {
    const between = await wire(addresses.d1, addresses.d2)
    const d1 = director('d1', { peer: addresses.wire })
    const d2 = director('d2')
    await heard(d2)
    await heard(d1)
    const accepted = () => d2.channel.counters()['accepted'] ?? 0
    for (let count = accepted(); accepted() < count + 3; await new Promise(resolve => setTimeout(resolve, 20)))
      d1.channel.tell()
    d1.channel.stop()
    const before = view(d2).lastHeard
    for (const bytes of between.taken) between.play(bytes)
    await vi.waitFor(() => expect(d2.channel.counters()['replayed']).toBeGreaterThan(0))
    expect(view(d2).lastHeard).toBe(before)

    d2.channel.stop()
    const again = director('d2')
    for (const bytes of between.taken) between.play(bytes)
    await vi.waitFor(() => expect(again.channel.counters()['unproven']).toBe(between.taken.length), { timeout: 3_000 })
    expect(view(again).state).toBe('never')
  })

  test('that says to be us is an alarm with its address', async () => {
    const d1 = director('d1')
    director('d2', { self: 'd1', at: addresses.d2, peer: addresses.d1 })
    await vi.waitFor(() => expect(d1.channel.impostor()).toBe(addresses.d2), { timeout: 5_000, interval: 20 })
    expect(d1.events.map(({ name, subject }) => [name, subject])).toContainEqual([
      'peer.conflict',
      `address ${addresses.d2}`,
    ])
    expect(view(d1).state).toBe('never')
  })

  test('of our own, thrown back at us, is no alarm', async () => {
    const d1 = director('d1', { peer: addresses.wire })
    await wire(addresses.d1, addresses.d1)
    await vi.waitFor(() => expect(d1.channel.counters()['own']).toBeGreaterThan(0), { timeout: 3_000 })
    expect(d1.channel.impostor()).toBeUndefined()
  })
})

test('an address that is not there yet is reported once, and used as soon as it is', async () => {
  const blocker = createSocket('udp4')
  await new Promise<void>(resolve => blocker.bind({ port, address: addresses.d1, exclusive: true }, resolve))
  const d1 = director('d1')
  const d2 = director('d2')
  await vi.waitFor(() => expect(d1.events.map(({ name }) => name)).toEqual(['peer.socket']))
  blocker.close()
  await heard(d2)
  await heard(d1)
  expect(d1.events.filter(({ name }) => name === 'peer.socket')).toHaveLength(1)
})
