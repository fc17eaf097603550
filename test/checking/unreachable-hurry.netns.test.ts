import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMonitor } from '../../checkers/monitor.js'
import type { Wanted } from '../../checkers/monitor-ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import { systemClock } from '../../src/clock.js'
import { createBatchDial } from '../../src/linux/batch-dial.js'
import { checkSpec } from '../checkers/check-spec.js'
import { type Segment, segment, sleep, until } from '../linux/namespaces.js'

const server = '10.9.7.7'
/** a is the director, b the router; other.a the real server behind it. */
let net: Segment
let other: Segment
const closing: (() => unknown)[] = []

beforeAll(async () => {
  net = segment()
  other = segment()
  const { a, b } = net
  const { a: rs } = other
  b.run('ip', 'link', 'add', 'rs', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', rs.name)
  b.run('ip', 'address', 'add', '10.9.7.1/24', 'dev', 'rs')
  b.run('ip', 'link', 'set', 'rs', 'up')
  // It says why it refuses as often as it is asked.
  b.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.icmp_ratelimit=0')
  rs.run('ip', 'address', 'flush', 'dev', 'eth0')
  rs.run('ip', 'address', 'add', `${server}/24`, 'dev', 'eth1')
  rs.run('ip', 'link', 'set', 'eth1', 'up')
  rs.run('ip', 'route', 'add', 'default', 'via', '10.9.7.1')
  a.run('ip', 'route', 'add', '10.9.7.0/24', 'via', '10.9.0.12')
  for (const port of [80, 81]) {
    const listener = createServer(socket => socket.on('error', () => {}))
    await rs.stay(() => new Promise<void>(resolve => listener.listen(port, server, resolve)))
    closing.push(() => listener.close())
  }
})
afterAll(() => {
  for (const close of closing.reverse()) close()
  net.remove()
  other.remove()
})

test('an ICMP unreachable hastens the other checks of the address, and takes nobody out by itself', async () => {
  await net.a.stay(async () => {
    const dial = createBatchDial()
    const verdicts: string[] = []
    const looks: Record<string, number[]> = { often: [], seldom: [] }
    const monitor = createMonitor({
      clock: systemClock,
      random: () => 0.99,
      probeFor: spec => probeFor(spec, { dial }),
      onVerdict: ({ key, from, to }) => verdicts.push(`${key} ${from}>${to}`),
      onResult: key => looks[key]?.push(performance.now()),
    })
    closing.push(monitor.stop, dial.stop)
    const spec = checkSpec({ timeout: 400, fastInterval: 100, fall: 3, watch: { enabled: false, final: true } })
    const at = (port: number, interval: number): Wanted => ({
      target: { address: server, port },
      spec: { ...spec, interval },
    })
    monitor.set(
      new Map([
        ['often', at(80, 300)],
        ['seldom', at(81, 300_000)],
      ]),
    )
    await until('the first verdicts', () => verdicts.length === 2, 10_000)
    const before = looks['seldom']?.length ?? 0

    // One port alone: whoever is hastened finds that all is well, six times.
    net.b.run('ip', 'rule', 'add', 'pref', '1', 'iif', 'eth0', 'ipproto', 'tcp', 'dport', '80', 'prohibit')
    await until('the third verdict', () => verdicts.length === 3, 5_000)
    await sleep(300)
    expect(verdicts[2]).toBe('often up>down')
    expect(monitor.report('often')?.results.at(-1)?.outcome).toMatchObject({ reason: 'unreachable', layer: 'L4CON' })
    const hurried = looks['seldom']?.slice(before) ?? []
    expect(hurried).toHaveLength(6)
    console.log(
      `made after ${hurried.map(time => Math.round(time - (hurried[0] ?? 0))).join(', ')} ms; its interval is 300 s`,
    )
    expect(monitor.health('seldom')).toEqual({ verdict: 'up', streak: 0 })
  })
})
