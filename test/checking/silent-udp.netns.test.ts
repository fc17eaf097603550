import { createSocket, type Socket } from 'node:dgram'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Outcome, Probe } from '../../checkers/ports.js'
import { createClientPaths } from '../../src/checking/client-paths.js'
import { createProbePorts } from '../../src/checking/probe-ports.js'
import { createProbes } from '../../src/checking/probes.js'
import { createWays } from '../../src/checking/ways.js'
import { type Links, watchLinks } from '../../src/linux/links.js'
import { type NeighbourWatch, watchNeighbours } from '../../src/linux/watch-neighbours.js'
import { type Segment, segment, until } from '../linux/namespaces.js'

let net: Segment
let links: Links
let neighbours: NeighbourWatch
let ports: ReturnType<typeof createProbePorts>
let server: Socket
let probe: Probe
beforeAll(async () => {
  net = segment()
  links = await net.a.enter(() => watchLinks())
  neighbours = await net.a.enter(() => watchNeighbours(() => {}))
  ports = createProbePorts(links, createWays(links), () => performance.now())
  const probes = createProbes(
    ports,
    links,
    createClientPaths(() => false),
    address => neighbours.all().get(address),
  )
  probe = probes({ kind: 'udp', send: { text: '' }, requireReply: false })
  server = createSocket('udp4')
  await net.b.stay(() => new Promise<void>(resolve => server.bind(514, '10.9.0.12', resolve)))
})
afterAll(() => {
  server.close()
  ports.ping.close()
  ports.dial.stop()
  neighbours.close()
  links.close()
  net.remove()
})

function attempt(address: string, port: number): Promise<Outcome> {
  return net.a.stay(() => probe({ address, port }, AbortSignal.timeout(1_000)))
}

test('where no answer is required, a silent service passes and a port that nobody serves does not', async () => {
  expect(await attempt('10.9.0.12', 514)).toMatchObject({ passed: true, layer: 'L4OK' })
  expect(await attempt('10.9.0.12', 515)).toMatchObject({ reason: 'refused' })
})

test('a host that is not there does not pass for a silent service, once the kernel knows', async () => {
  net.b.run('ip', 'link', 'set', 'eth0', 'arp', 'off')
  net.a.run('ip', 'neigh', 'del', '10.9.0.12', 'dev', 'eth0')
  await attempt('10.9.0.12', 514)
  await until('a failed entry', () => neighbours.all().get('10.9.0.12') === 'failed', 20_000)
  expect(await attempt('10.9.0.12', 514)).toMatchObject({ reason: 'unreachable', layer: 'L4CON' })
  net.b.run('ip', 'link', 'set', 'eth0', 'arp', 'on')
  await until('the host', () => {
    net.a.run('sh', '-c', 'ping -c 1 -W 1 10.9.0.12 || true')
    return neighbours.all().get('10.9.0.12') === 'answers'
  })
  expect(await attempt('10.9.0.12', 514)).toMatchObject({ passed: true, layer: 'L4OK' })
})
