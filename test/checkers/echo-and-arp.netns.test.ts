import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { probeFor } from '../../checkers/probe-for.js'
import { createProbePorts } from '../../src/checking/probe-ports.js'
import { createWays } from '../../src/checking/ways.js'
import { type Links, watchLinks } from '../../src/linux/links.js'
import { type Segment, segment } from '../linux/namespaces.js'

let net: Segment
let links: Links
let ports: ReturnType<typeof createProbePorts>
beforeAll(async () => {
  net = segment()
  links = await net.a.enter(() => watchLinks())
  ports = createProbePorts(links, createWays(links), () => performance.now())
})
afterAll(() => {
  ports.ping.close()
  ports.dial.stop()
  links.close()
  net.remove()
})
const at = (address: string) => ({ address, port: 0 })
const within = (ms: number) => AbortSignal.timeout(ms)

describe('an echo request', () => {
  const icmp = (address: string, ms: number, size = 56) =>
    net.a.stay(() => probeFor({ kind: 'icmp', count: 2, maxLoss: 0, size }, ports)(at(address), within(ms)))

  test.each(['10.9.0.12', 'fd00:9::12', 'fe80::12%eth0', '10.9.0.11'])('is answered by %s', async address => {
    expect(await icmp(address, 2000)).toMatchObject({ passed: true, layer: 'L4OK' })
  })

  test('times out where nobody is, and is our own trouble where no route leads', async () => {
    expect(await icmp('10.9.0.99', 200)).toMatchObject({ reason: 'timeout' })
    expect(await icmp('192.0.2.1', 200)).toMatchObject({ reason: 'local-error' })
  })

  test('carries as many bytes as it is told to', async () => {
    expect(await icmp('10.9.0.12', 2000, 8000)).toMatchObject({ passed: true })
  })
})

describe('a question for an address', () => {
  const ask = (address: string, ms: number) =>
    net.a.stay(() => probeFor({ kind: 'arp' }, ports)(at(address), within(ms)))

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
