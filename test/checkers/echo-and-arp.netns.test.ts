import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { probeFor } from '../../checkers/probe-for.js'
import { linkExcuse } from '../../src/linux/link-excuse.js'
import { type Links, watchLinks } from '../../src/linux/links.js'
import { ping } from '../../src/linux/ping-socket.js'
import { resolver } from '../../src/linux/resolve.js'
import { type Segment, segment, until } from './namespaces.js'

let net: Segment
let links: Links
beforeAll(async () => {
  net = segment()
  links = await net.a.enter(() => watchLinks())
})
afterAll(() => {
  links.close()
  net.remove()
})
const at = (address: string) => ({ address, port: 0 })
const within = (ms: number) => AbortSignal.timeout(ms)

describe('an echo request', () => {
  const icmp = probeFor({ kind: 'icmp', count: 2, maxLoss: 0, size: 56 }, { ping })

  test.each(['10.9.0.12', 'fd00:9::12', 'fe80::12%eth0', '10.9.0.11'])('is answered by %s', async address => {
    const { rtt } = (await net.a.enter(() => ping(address, 56, within(2000)))) as { rtt: number }
    expect(rtt).toBeGreaterThan(0)
    expect(await net.a.stay(() => icmp(at(address), within(2000)))).toMatchObject({ passed: true, layer: 'L4OK' })
  })

  test('times out where nobody is, and is our own trouble where no route leads', async () => {
    expect(await net.a.stay(() => icmp(at('10.9.0.99'), within(200)))).toMatchObject({ reason: 'timeout' })
    expect(await net.a.stay(() => icmp(at('192.0.2.1'), within(200)))).toMatchObject({ reason: 'local-error' })
  })

  test('carries as many bytes as it is told to', async () => {
    expect(await net.a.enter(() => ping('10.9.0.12', 8000, within(2000)))).toHaveProperty('rtt')
  })
})

describe('a question for an address', () => {
  const ask = (address: string, ms: number) =>
    net.a.stay(() => probeFor({ kind: 'arp' }, { resolve: resolver(links) })(at(address), within(ms)))

  test('finds the neighbour by ARP and by neighbour discovery', async () => {
    const mac = net.b.run('cat', '/sys/class/net/eth0/address').trim()
    for (const address of ['10.9.0.12', 'fd00:9::12'])
      expect(await ask(address, 2000)).toEqual({ passed: true, layer: 'L4OK', detail: mac })
  })

  test('times out for nobody, and is our own trouble off the segment', async () => {
    expect(await ask('10.9.0.99', 200)).toMatchObject({ reason: 'timeout' })
    expect(await ask('192.0.2.1', 200)).toMatchObject({ reason: 'local-error' })
  })
})

test('a silence excuses the server while the own interface has no carrier, a refusal never', async () => {
  const excuse = linkExcuse(links)
  const silence = { passed: false, reason: 'timeout', layer: 'L4TOUT' } as const
  const refusal = { passed: false, reason: 'refused', layer: 'L4CON' } as const
  expect(excuse(at('10.9.0.12'), silence)).toBeUndefined()
  net.b.run('ip', 'link', 'set', 'eth0', 'down')
  await until('the carrier is gone', () => links.byName('eth0')?.running === false)
  expect(excuse(at('10.9.0.12'), silence)).toBe('eth0 has no carrier')
  expect(excuse(at('10.9.0.12'), refusal)).toBeUndefined()
  expect(excuse(at('192.0.2.1'), silence)).toBeUndefined()
  net.a.run('ip', 'link', 'set', 'eth0', 'down')
  await until('the link is down', () => links.byName('eth0')?.up === false)
  expect(excuse(at('10.9.0.12'), silence)).toBe('eth0 is down')
})
