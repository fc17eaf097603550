import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { probeFor } from '../../checkers/probe-for.js'
import { createBatchDial } from '../../src/linux/batch-dial.js'
import { type Segment, segment, until } from './namespaces.js'

/** a is the director, b a router, rs a real server behind it. */
let net: Segment
let behind: Segment
const closing: (() => unknown)[] = []
const families = [
  { family: 'IPv4', address: '10.8.0.2', own: '10.8.0.1/24', theirs: '10.8.0.2/24', way: '10.9.0.12', bits: 32 },
  { family: 'IPv6', address: 'fd00:8::2', own: 'fd00:8::1/64', theirs: 'fd00:8::2/64', way: 'fd00:9::12', bits: 128 },
]

beforeAll(async () => {
  net = segment()
  behind = segment()
  const { a, b: router } = net
  const { a: rs } = behind
  router.run('ip', 'link', 'add', 'rs', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', rs.name)
  // A router sends one such message a second to each host, as it comes.
  const limits = ['net.ipv4.icmp_ratelimit=0', 'net.ipv6.icmp.ratelimit=0']
  router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', ...limits)
  router.run('ip', 'link', 'set', 'rs', 'up')
  rs.run('ip', 'address', 'flush', 'dev', 'eth0')
  rs.run('ip', 'link', 'set', 'eth0', 'down')
  rs.run('ip', 'link', 'set', 'eth1', 'up')
  for (const { own, theirs, way } of families) {
    const nodad = own.includes(':') ? ['nodad'] : []
    router.run('ip', 'address', 'add', own, 'dev', 'rs', ...nodad)
    rs.run('ip', 'address', 'add', theirs, 'dev', 'eth1', ...nodad)
    rs.run('ip', 'route', 'add', 'default', 'via', own.replace(/\/.*/, ''))
    a.run('ip', 'route', 'add', own.includes(':') ? 'fd00:8::/64' : '10.8.0.0/24', 'via', way)
  }
  const listener = createServer(socket => socket.on('error', () => {}))
  await rs.stay(() => new Promise<void>(resolve => listener.listen(80, '::', resolve)))
  closing.push(() => listener.close())
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
  net.remove()
  behind.remove()
})

describe.each(families)('an ICMP unreachable ($family)', ({ address, bits }) => {
  const target = { address, port: 80 }

  test('ends an idle watch connection, and the attempt that meets it, at once', async () => {
    await net.a.stay(async () => {
      const dial = createBatchDial()
      closing.push(dial.stop)
      const heard: string[] = []
      const events = {
        connected: () => heard.push('connected'),
        data: () => {},
        ended: () => heard.push('ended'),
        failed: (errno: string) => heard.push(errno),
      }
      // Idle for so long that nothing but the error ends it within this test.
      const stream = dial(target, events, { keepAlive: 600_000 })
      await until('the connection', () => heard.length === 1, 20_000)
      expect(heard).toEqual(['connected'])

      net.b.run('ip', 'route', 'add', 'unreachable', `${address}/${bits}`)
      // In the place of the kernel's keep-alive.
      stream.send(Buffer.from('x'))
      await until('its end', () => heard.length === 2, 20_000)
      expect(heard).toEqual(['connected', 'EHOSTUNREACH'])

      const probe = probeFor({ kind: 'tcp', steps: [] }, { dial })
      expect(await probe(target, AbortSignal.timeout(30_000))).toMatchObject({ reason: 'unreachable', layer: 'L4CON' })
    })
  })
})
