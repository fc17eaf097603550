import { createSocket, type Socket } from 'node:dgram'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMonitor } from '../../checkers/monitor.js'
import type { Wanted } from '../../checkers/monitor-ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import { neighbourHurry } from '../../src/checking/neighbour-hurry.js'
import { systemClock } from '../../src/clock.js'
import { createBatchDial } from '../../src/linux/batch-dial.js'
import { watchNeighbours } from '../../src/linux/watch-neighbours.js'
import { checkSpec } from '../checkers/check-spec.js'
import { type Segment, segment, until } from '../linux/namespaces.js'

const server = '10.9.0.31'
/** a is the director, b the switch, c the real server. */
let director: Segment
let other: Segment
const closing: (() => unknown)[] = []

beforeAll(async () => {
  director = segment()
  other = segment()
  const { a, b: sw } = director
  const { a: rs } = other
  rs.run('ip', 'address', 'flush', 'dev', 'eth0')
  sw.run('ip', 'link', 'add', 'br0', 'type', 'bridge')
  sw.run('ip', 'link', 'set', 'br0', 'up')
  sw.run('ip', 'link', 'add', 'rs', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', rs.name)
  for (const port of ['eth0', 'rs']) sw.run('ip', 'link', 'set', port, 'master', 'br0', 'up')
  rs.run('ip', 'address', 'add', `${server}/24`, 'dev', 'eth1')
  rs.run('ip', 'link', 'set', 'eth1', 'up')
  // As on a director that has run for a while, in seconds instead of a minute.
  for (const setting of ['base_reachable_time_ms=500', 'delay_first_probe_time=1', 'retrans_time_ms=100'])
    a.run('sysctl', '-qw', `net.ipv4.neigh.eth0.${setting}`)
  const listener = createServer(socket => socket.on('error', () => {}))
  await rs.stay(() => new Promise<void>(resolve => listener.listen(80, server, resolve)))
  closing.push(() => listener.close())
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
  director.remove()
  other.remove()
})

test('a host that vanishes is out as soon as its neighbour entry fails, and in as soon as it answers, long before its next check', async () => {
  await director.a.stay(async () => {
    const traffic = createSocket('udp4')
    const dial = createBatchDial()
    const verdicts: string[] = []
    const monitor = createMonitor({
      clock: systemClock,
      // The second check of all comes after 0.99 of the interval.
      random: () => 0.99,
      probeFor: spec => probeFor(spec, { dial }),
      onVerdict: ({ from, to }) => verdicts.push(`${from}>${to}`),
    })
    const hurry = neighbourHurry({
      now: systemClock.now,
      thinksUp: () => monitor.health('k')?.verdict === 'up',
      hasty: address => monitor.hastyAddress(address),
      back: address => monitor.back(address),
    })
    const neighbours = await watchNeighbours(hurry)
    closing.push(monitor.stop, dial.stop, neighbours.close, () => traffic.close())
    const spec = checkSpec({ interval: 300_000, timeout: 400, fastInterval: 100, fall: 3 })
    monitor.set(new Map<string, Wanted>([['k', { target: { address: server, port: 80 }, spec }]]))
    await until('the first verdict', () => verdicts.length === 1, 10_000)

    // Clients' packets go on through the director while nothing is wrong: no check, no verdict.
    const sending = setInterval(() => send(traffic), 50)
    closing.push(() => clearInterval(sending))
    await new Promise(resolve => setTimeout(resolve, 2_500))
    expect(monitor.metrics().attempts).toBe(1)

    director.b.run('ip', 'link', 'set', 'rs', 'down')
    const cut = performance.now()
    await until('the second verdict', () => verdicts.length === 2, 40_000)
    console.log(`out ${Math.round(performance.now() - cut)} ms after the cable was cut; its interval is 300 s`)
    expect(verdicts).toEqual(['unknown>up', 'up>down'])
    // Three failures: what hurries is a check, never the verdict.
    expect(monitor.metrics().failed).toBe(3)

    director.b.run('ip', 'link', 'set', 'rs', 'up')
    const healed = performance.now()
    await until('the third verdict', () => verdicts.length === 3, 40_000)
    console.log(`back ${Math.round(performance.now() - healed)} ms after the cable was mended`)
    expect(verdicts[2]).toBe('down>up')
  })
})

function send(socket: Socket): void {
  socket.send('x', 9, server, () => {})
}
