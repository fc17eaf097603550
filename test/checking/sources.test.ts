import { createSocket, type Socket } from 'node:dgram'
import { promises as dns } from 'node:dns'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import packet, { type Answer } from 'dns-packet'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RealServerConfig, ServerSource, ServiceConfig } from '../../config/config.js'
import { sourceMemory } from '../../src/checking/source-memory.js'
import { createSources } from '../../src/checking/sources.js'
import type { Event } from '../../src/messages.js'

/** The declarations that the program needs are those of a client. */
const encode = packet.encode as unknown as (response: object) => Buffer
/** AA (RFC 1035 section 4.1.1). */
const authoritative = 0x400
let folder: string
let server: Socket
let zone: Answer[] = []
/** Questions of this type get no answer at all. */
let mute: string | undefined
let resolver: dns.Resolver
let sources: ReturnType<typeof createSources>
let events: Event[] = []
let now: Record<string, readonly RealServerConfig[]> = {}
const soon = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 10 })
const places = () => now['web']?.map(({ address, port, weight, tier }) => ({ address, port, weight, tier }))

const template = { weight: 1, forward: 'dr', upper: 0, lower: 0, tier: 0, checks: [], require: 'all' } as const
const a: ServerSource = { kind: 'dns', name: 'app.test', record: 'A', port: 80, refresh: 30, ...template }
const service = (...list: ServerSource[]): ServiceConfig => ({
  name: 'web',
  ids: [{ protocol: 'tcp', address: '10.9.0.100', port: 80 }],
  settings: { scheduler: 'rr', flags: [], onePacket: false },
  start: 'check',
  onDown: 'remove',
  quorum: 1,
  hysteresis: 0,
  slowStart: 0,
  tierMinimum: 1,
  realServers: [],
  sources: list,
})

function make() {
  return createSources({
    resolver,
    memory: sourceMemory(join(folder, 'sources.json'), error => expect.unreachable(String(error))),
    tell: event => events.push(event),
    changed(name, servers) {
      now[name] = servers
    },
  })
}

/** A name server on loopback that answers from `zone`. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lk-sources-'))
  zone = []
  mute = undefined
  events = []
  now = {}
  server = createSocket('udp4')
  server.on('message', (bytes, from) => {
    const { id, questions = [] } = packet.decode(bytes)
    if (questions.some(asked => asked.type === mute)) return
    const answers = zone.filter(({ name, type }) => questions.some(asked => asked.name === name && asked.type === type))
    const flags = authoritative | (zone.some(({ name }) => name === questions[0]?.name) ? 0 : 3)
    server.send(
      encode({ type: 'response', ...(id === undefined ? {} : { id }), flags, questions, answers }),
      from.port,
      from.address,
    )
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  resolver = new dns.Resolver({ timeout: 200, tries: 1 })
  resolver.setServers([`127.0.0.1:${server.address().port}`])
  sources = make()
})
afterEach(() => {
  sources.stop()
  server.close()
  rmSync(folder, { recursive: true })
})

const address = (name: string, data: string): Answer => ({ type: 'A', name, data, ttl: 1 })

test('the addresses of a name are real servers, and follow it', async () => {
  zone = [address('app.test', '10.9.0.21'), address('app.test', '10.9.0.22')]
  sources.upsert(service(a))
  await soon(() => expect(now['web']?.map(one => one.address)).toEqual(['10.9.0.21', '10.9.0.22']))
  zone = [address('app.test', '10.9.0.22'), address('app.test', '10.9.0.23')]
  await soon(() => expect(now['web']?.map(one => one.address)).toEqual(['10.9.0.22', '10.9.0.23']))
  expect(events.at(-1)).toMatchObject({
    name: 'sources.changed',
    data: { added: ['10.9.0.23:80'], removed: ['10.9.0.21:80'] },
  })
})

test('an answer that vanishes keeps the last one, is told once, and outlives the process', async () => {
  zone = [address('app.test', '10.9.0.21')]
  sources.upsert(service(a))
  await soon(() => expect(now['web']).toHaveLength(1))
  zone = []
  await soon(() => expect(events.map(({ name }) => name)).toContain('sources.failed'))
  await new Promise(wake => setTimeout(wake, 200))
  expect(events.filter(({ name }) => name === 'sources.failed')).toHaveLength(1)
  expect(now['web']).toHaveLength(1)
  sources.stop()
  now = {}
  sources = make()
  sources.upsert(service(a))
  expect(now['web']?.map(one => one.address)).toEqual(['10.9.0.21'])
})

test('a service record brings ports and weights, and its priorities are tiers', async () => {
  zone = [
    { type: 'SRV', name: '_app._tcp.test', ttl: 1, data: { target: 'b.test', port: 8081, priority: 20, weight: 0 } },
    { type: 'SRV', name: '_app._tcp.test', ttl: 1, data: { target: 'a.test', port: 8080, priority: 10, weight: 5 } },
    address('a.test', '10.9.0.21'),
    address('b.test', '10.9.0.22'),
  ]
  sources.upsert(service({ ...a, name: '_app._tcp.test', record: 'SRV', port: 0 }))
  await soon(() =>
    expect(places()).toEqual([
      { address: '10.9.0.21', port: 8080, weight: 5, tier: 0 },
      { address: '10.9.0.22', port: 8081, weight: 1, tier: 1 },
    ]),
  )
})

test('half an answer to a service record changes nothing: what could not be asked for keeps its place', async () => {
  zone = [
    { type: 'SRV', name: '_app._tcp.test', ttl: 1, data: { target: 'a.test', port: 8080, priority: 10, weight: 5 } },
    address('a.test', '10.9.0.21'),
    { type: 'AAAA', name: 'a.test', data: 'fd00:9::21', ttl: 1 },
  ]
  sources.upsert(service({ ...a, name: '_app._tcp.test', record: 'SRV', port: 0 }))
  await soon(() => expect(places()).toHaveLength(2))
  mute = 'AAAA'
  await soon(() => expect(events.map(({ name }) => name)).toContain('sources.failed'))
  expect(places()).toHaveLength(2)
})

test('a file may be YAML', async () => {
  const path = join(folder, 'servers.yaml')
  writeFileSync(path, '- targets: [10.9.0.21, 10.9.0.22:8080]\n  labels: { weight: "2" }\n')
  sources.upsert(service({ kind: 'file', path, port: 80, refresh: 30, ...template }))
  await soon(() =>
    expect(places()?.map(({ port, weight }) => [port, weight])).toEqual([
      [80, 2],
      [8080, 2],
    ]),
  )
})

test('a file may be plain lines, and a service that goes is looked up no more', async () => {
  const path = join(folder, 'servers')
  writeFileSync(path, '# ours\n10.9.0.21\n[FD00:9:0::22]:8080 3\n')
  sources.upsert(service({ kind: 'file', path, port: 80, refresh: 30, ...template }))
  await soon(() =>
    expect(places()).toEqual([
      { address: '10.9.0.21', port: 80, weight: 1, tier: 0 },
      { address: 'fd00:9::22', port: 8080, weight: 3, tier: 0 },
    ]),
  )
  sources.remove('web')
  const before = events.length
  writeFileSync(path, '10.9.0.23\n')
  await new Promise(wake => setTimeout(wake, 150))
  expect(events).toHaveLength(before)
})
