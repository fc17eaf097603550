import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { dial } from '../../checkers/dial.js'
import { mayBeFinal } from '../../checkers/final-share.js'
import { createMonitor } from '../../checkers/monitor.js'
import type { Wanted } from '../../checkers/monitor-ports.js'
import type { StreamEvents } from '../../checkers/ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import { createWatch } from '../../checkers/watch.js'
import { checkSpec } from './check-spec.js'
import { systemClock } from './system-clock.js'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function serve(onSocket: (socket: Socket) => void = () => {}) {
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = () => {
    for (const socket of sockets) socket.destroy()
    return new Promise(resolve => server.close(resolve))
  }
  closing.push(stop)
  return { target: { address: '127.0.0.1', port: (server.address() as { port: number }).port }, sockets, stop }
}

const until = async (holds: () => boolean, ms = 3000) => {
  for (const end = performance.now() + ms; !holds() && performance.now() < end; )
    await new Promise(resolve => setTimeout(resolve, 1))
  expect(holds()).toBe(true)
}

describe('a watch connection', () => {
  test('takes a dead server out within 20 ms, though its interval is a minute', async () => {
    const { target, sockets, stop } = await serve()
    const verdicts: { at: number; to: string }[] = []
    const monitor = createMonitor({
      clock: systemClock,
      random: () => 0.5,
      probeFor,
      watch: { dial, budget: 10 },
      onVerdict: ({ to }) => verdicts.push({ at: performance.now(), to }),
    })
    closing.push(monitor.stop)
    const check = checkSpec({ interval: 60_000, fastInterval: 60_000 })
    monitor.set(new Map<string, Wanted>([['k', { target, spec: check }]]))
    await until(() => verdicts.length === 1)
    await until(() => monitor.metrics().watch.held === 1 && sockets.size === 1)
    const killed = performance.now()
    await stop()
    await until(() => verdicts.length === 2)
    expect(verdicts[1]?.to).toBe('down')
    expect((verdicts[1]?.at ?? 0) - killed).toBeLessThan(100)
    expect(monitor.metrics().watch).toMatchObject({ held: 0, signs: 1 })
  })

  test('that a healthy server closes costs checks and no verdict, and is opened again by the next pass', async () => {
    const { target, sockets } = await serve()
    const signs: string[] = []
    const watch = createWatch({ clock: systemClock, dial, budget: 10, onSign: keys => signs.push(...keys) })
    closing.push(watch.stop)
    const pace = { interval: 50, timeout: 100 }
    watch.passed(target, 'a', pace, performance.now())
    watch.passed(target, 'b', pace, performance.now())
    await until(() => sockets.size === 1)
    for (const socket of sockets) socket.end()
    await until(() => signs.length === 2)
    expect(signs).toEqual(['a', 'b'])
    // It closed early: a pause of a second first.
    watch.passed(target, 'a', pace, performance.now())
    // Not for lack of room.
    expect(watch.metrics()).toMatchObject({ held: 0, lacking: 0 })
    watch.passed(target, 'a', pace, performance.now() + 1001)
    expect(watch.metrics().held).toBe(1)
    watch.leave(target, 'a')
    expect(watch.metrics().held).toBe(1)
    watch.leave(target, 'b')
    expect(watch.metrics()).toMatchObject({ held: 0, wanted: 0 })
  })

  test('is opened again after pauses that double, up to a minute, and one that ends at its usual age costs one check', () => {
    let now = 0
    const kinds: string[] = []
    let events: StreamEvents | undefined
    const watch = createWatch({
      clock: { now: () => now, at: () => () => {} },
      budget: 10,
      onSign: (_, kind) => kinds.push(kind),
      dial(_, given) {
        events = given
        return { send() {}, close() {} }
      },
    })
    const target = { address: '192.0.2.1', port: 80 }
    const pace = { interval: 50, timeout: 100 }
    const heldFor = (age: number) => {
      events?.connected()
      now += age
      events?.ended()
    }
    for (const pause of [1, 2, 4, 8, 16, 32, 60, 60].map(seconds => seconds * 1000)) {
      watch.passed(target, 'a', pace, now)
      expect(watch.metrics().held).toBe(1)
      heldFor(5)
      watch.passed(target, 'a', pace, now + pause - 1)
      expect(watch.metrics().held).toBe(0)
      now += pause
    }
    expect(new Set(kinds.splice(0))).toEqual(new Set(['sudden']))
    for (let times = 0; times < 2; times++) {
      watch.passed(target, 'a', pace, now)
      heldFor(15_000)
    }
    expect(kinds).toEqual(['sudden', 'usual'])
  })

  test('that is flooded is hung up for a minute, and is no sign', async () => {
    const { target, sockets } = await serve(socket => {
      const pour = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
      }
      socket.on('drain', pour)
      pour()
    })
    const signs: string[] = []
    const watch = createWatch({ clock: systemClock, dial, budget: 10, onSign: keys => signs.push(...keys) })
    closing.push(watch.stop)
    const pace = { interval: 50, timeout: 100 }
    watch.passed(target, 'a', pace, performance.now())
    await until(() => watch.metrics().held === 1 && sockets.size === 1)
    await until(() => watch.metrics().held === 0 && sockets.size === 0)
    watch.passed(target, 'a', pace, performance.now() + 59_000)
    expect(watch.metrics()).toMatchObject({ held: 0, signs: 0 })
    watch.passed(target, 'a', pace, performance.now() + 61_000)
    expect(watch.metrics()).toMatchObject({ held: 1, signs: 0 })
    expect(signs).toEqual([])
  })

  test('is not opened beyond the budget, and that is counted', async () => {
    const one = await serve()
    const two = await serve()
    const watch = createWatch({ clock: systemClock, dial, budget: 1, onSign: () => {} })
    closing.push(watch.stop)
    const pace = { interval: 50, timeout: 100 }
    watch.passed(one.target, 'a', pace, 0)
    watch.passed(two.target, 'b', pace, 0)
    expect(watch.metrics()).toMatchObject({ held: 1, over: 1, wanted: 2, lacking: 1 })
    watch.limit(2)
    watch.passed(two.target, 'b', pace, 0)
    expect(watch.metrics()).toMatchObject({ held: 2, lacking: 0 })
    watch.limit(1)
    expect(watch.metrics()).toMatchObject({ held: 1, wanted: 2, lacking: 1, budget: 1 })
  })

  test('is alone evidence for at most half of a service', () => {
    const servers = ['a', 'b', 'c', 'd'].map(name => ({ server: name, keys: [name] }))
    const out = new Set<string>()
    const ask = (key: string) => mayBeFinal(key, [servers], other => out.has(other))
    expect(ask('a')).toBe(true)
    out.add('a')
    expect(ask('b')).toBe(true)
    out.add('b')
    expect(ask('c')).toBe(false)
    out.delete('a')
    expect(ask('c')).toBe(true)
    expect(mayBeFinal('x', [[{ server: 'x', keys: ['x'] }]], () => false)).toBe(false)
  })
})
