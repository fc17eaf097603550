import { createConnection, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SyncDaemon } from '../../src/ipvs/daemon.js'
import { explainError } from '../../src/ipvs/errors.js'
import { planGlobals } from '../../src/ipvs/globals.js'
import { save } from '../../src/ipvs/ipvsadm.js'
import { type Op, plan } from '../../src/ipvs/plan.js'
import type { Scheduler, ServerSettings, Service, ServiceId, ServiceSettings, Table } from '../../src/ipvs/table.js'
import { type Server, serverKey, serviceKey } from '../../src/ipvs/table.js'
import { type Ipvs, openIpvs } from '../../src/linux/ipvs.js'
import { ipvsadm, lines, ourTable, sh } from './lab.js'

let kernel: Ipvs
beforeAll(async () => {
  kernel = await openIpvs()
})
afterAll(() => kernel.close())
beforeEach(() => {
  ipvsadm('-C')
})

const TCP: ServiceId = { protocol: 'tcp', address: '10.9.0.100', port: 80 }
const UDP: ServiceId = { protocol: 'udp', address: '10.9.0.100', port: 5060 }
const SIX: ServiceId = { protocol: 'tcp', address: 'fd00:9::100', port: 443 }
const MARK: ServiceId = { mark: 7, family: 4 }
const MARK6: ServiceId = { mark: 8, family: 6 }

type Row = { readonly name: string; readonly service: Service; readonly servers: readonly Server[] }
const settings = (more: Partial<ServiceSettings> = {}): ServiceSettings => ({
  scheduler: 'wrr',
  flags: [],
  onePacket: false,
  ...more,
})
const server = (address: string, port: number, more: Partial<ServerSettings> = {}): Server => ({
  address,
  port,
  settings: { weight: 1, forward: 'nat', upper: 0, lower: 0, ...more },
})
const row = (name: string, id: ServiceId, more: Partial<ServiceSettings>, ...servers: Server[]): Row => ({
  name,
  service: { id, settings: settings(more) },
  servers,
})

const schedulers: Scheduler[] = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'sed', 'nq', 'fo', 'ovf', 'mh']
const tunnel = (one: ServerSettings['tunnel']): Partial<ServerSettings> => ({
  forward: 'tun',
  ...(one ? { tunnel: one } : {}),
})

const rows: Row[] = [
  ...schedulers.map(scheduler => row(`scheduler ${scheduler}`, TCP, { scheduler }, server('10.9.0.21', 80))),
  row('sh-port', TCP, { scheduler: 'sh', flags: ['sh-port'] }),
  row('sh-fallback', TCP, { scheduler: 'sh', flags: ['sh-fallback'] }),
  row('sh with both flags', TCP, { scheduler: 'sh', flags: ['sh-port', 'sh-fallback'] }),
  row('mh-port', TCP, { scheduler: 'mh', flags: ['mh-port'] }),
  row('mh-fallback', TCP, { scheduler: 'mh', flags: ['mh-fallback'] }),
  row('mh with both flags', TCP, { scheduler: 'mh', flags: ['mh-fallback', 'mh-port'] }),
  row('flags 1, 2 and 3 of a scheduler without names for them', TCP, {
    scheduler: 'wlc',
    flags: ['flag-1', 'flag-2', 'flag-3'],
  }),
  row('protocol udp', UDP, {}, server('10.9.0.21', 5060)),
  row('protocol sctp', { ...TCP, protocol: 'sctp' }, {}, server('10.9.0.21', 80)),
  row('IPv6', SIX, {}, server('fd00:9::21', 443, { forward: 'dr' }), server('fd00:9::22', 8443)),
  row('a firewall mark', MARK, {}, server('10.9.0.21', 0, { forward: 'dr' })),
  row('a firewall mark with nat to a port', MARK, {}, server('10.9.0.21', 8080)),
  row('a firewall mark of IPv6', MARK6, {}, server('fd00:9::21', 0, { forward: 'dr' })),
  row('forward nat with port mapping', TCP, {}, server('10.9.0.21', 8080)),
  row('forward dr', TCP, {}, server('10.9.0.21', 80, { forward: 'dr' })),
  row('forward tun', TCP, {}, server('10.9.0.21', 80, tunnel(undefined))),
  row('tunnel ipip', TCP, {}, server('10.9.0.21', 80, tunnel({ type: 'ipip' }))),
  ...(['none', 'csum', 'remcsum'] as const).map(checksum =>
    row(
      `tunnel gue, checksum ${checksum}`,
      TCP,
      {},
      server('10.9.0.21', 80, tunnel({ type: 'gue', port: 6080, checksum })),
    ),
  ),
  ...(['none', 'csum'] as const).map(checksum =>
    row(`tunnel gre, checksum ${checksum}`, TCP, {}, server('10.9.0.21', 80, tunnel({ type: 'gre', checksum }))),
  ),
  row('an IPv4 real server of an IPv6 service, through a tunnel', SIX, {}, server('10.9.0.21', 443, tunnel(undefined))),
  row(
    'an IPv6 real server of an IPv4 service, through a tunnel',
    TCP,
    {},
    server('fd00:9::21', 80, tunnel({ type: 'gre', checksum: 'none' })),
  ),
  row(
    'mixed forwarding in one service',
    TCP,
    {},
    server('10.9.0.21', 80),
    server('10.9.0.22', 80, { forward: 'dr' }),
    server('10.9.0.23', 80, { forward: 'tun' }),
  ),
  row('the director itself as real server', TCP, {}, server('127.0.0.1', 80, { forward: 'dr' })),
  row('persistence', TCP, { persistence: { timeout: 300, granularity: 32 } }),
  row('persistence by network', TCP, { persistence: { timeout: 360, granularity: 24 } }),
  row('persistence by odd network', TCP, { persistence: { timeout: 360, granularity: 19 } }),
  row('persistence by IPv6 network', SIX, { persistence: { timeout: 360, granularity: 64 } }),
  row('persistence of one IPv6 address', SIX, { persistence: { timeout: 360, granularity: 128 } }),
  row('persistence engine sip', UDP, { persistence: { timeout: 60, granularity: 32, engine: 'sip' } }),
  row('one-packet scheduling', UDP, { onePacket: true }, server('10.9.0.21', 5060)),
  row('one-packet scheduling with the sip engine', UDP, {
    onePacket: true,
    persistence: { timeout: 60, granularity: 32, engine: 'sip' },
  }),
  row(
    'all ports, persistent',
    { ...TCP, port: 0 },
    { persistence: { timeout: 360, granularity: 32 } },
    server('10.9.0.21', 0, { forward: 'dr' }),
  ),
  row('weight 0', TCP, {}, server('10.9.0.21', 80, { weight: 0 })),
  row('the largest weight', TCP, {}, server('10.9.0.21', 80, { weight: 2 ** 31 - 1 })),
  row(
    'connection thresholds',
    TCP,
    {},
    server('10.9.0.21', 80, { upper: 1000, lower: 800 }),
    server('10.9.0.22', 80, { upper: 7 }),
  ),
]

const asTable = (...some: Row[]): Table =>
  new Map(
    some.map(({ service, servers }) => [
      serviceKey(service.id),
      { service, servers: new Map(servers.map(one => [serverKey(one), one])) },
    ]),
  )

const ids = (table: Table): ServiceId[] => [...table.values()].map(({ service }) => service.id)

async function program(table: Table): Promise<void> {
  const ops = plan(table, new Map())
  expect(ops.map((op, i) => [op.op, i])).toHaveLength(ops.length)
  expect((await kernel.apply(ops)).filter(code => code !== undefined)).toEqual([])
}

describe('the kernel takes, and ipvsadm sees', () => {
  for (const one of rows)
    test(one.name, async () => {
      const table = asTable(one)
      await program(table)
      expect(lines(ipvsadm('-S', '-n'))).toEqual(save(table))
      expect(lines(await ourTable({ save: true, nosort: true })).sort()).toEqual(save(table).sort())
      expect(plan(table, await kernel.list(ids(table)))).toEqual([])
      expect(ipvsadm('-Ln', '--thresholds', '--nosort')).toBe(await ourTable({ thresholds: true, nosort: true }))
    })

  test('every row from what ipvsadm itself wrote (what it sent, we read)', async () => {
    for (const one of rows) {
      ipvsadm('-C')
      for (const rule of save(asTable(one), true)) sh('sh', '-c', `ipvsadm ${rule}`)
      expect(plan(asTable(one), await kernel.list(ids(asTable(one)))), one.name).toEqual([])
    }
  })

  test('any row turned into any other by edits', async () => {
    const same = rows.filter(one => serviceKey(one.service.id) === serviceKey(TCP))
    expect(same.length).toBeGreaterThan(20)
    for (const one of same) {
      const codes = await kernel.apply(plan(asTable(one), await kernel.list(ids(asTable(one)))))
      expect(
        codes.filter(code => code !== undefined),
        one.name,
      ).toEqual([])
      expect(plan(asTable(one), await kernel.list(ids(asTable(one)))), one.name).toEqual([])
    }
  })
})

describe('the kernel refuses, and the operation is named', () => {
  const add = (more: Partial<ServiceSettings>, id: ServiceId = TCP): Op => ({
    op: 'add-service',
    service: { id, settings: settings(more) },
  })
  const join = (one: Server, id: ServiceId = TCP): Op => ({
    op: 'add-server',
    service: { id, settings: settings() },
    server: one,
  })

  test('a scheduler without module, with the module’s name', async () => {
    const op = add({ scheduler: 'twos' })
    const [code] = await kernel.apply([op])
    expect(code).toBe('ENOENT')
    expect(explainError(op, 'ENOENT')).toContain('modprobe ip_vs_twos')
  })
  test('each wrong operation among right ones', async () => {
    const codes = await kernel.apply([
      add({}),
      add({}),
      join(server('10.9.0.21', 80)),
      join(server('10.9.0.21', 80)),
      join(server('fd00:9::21', 80)),
      join(server('10.9.0.22', 80, { upper: 1, lower: 2 })),
      join(server('10.9.0.23', 80), UDP),
      { op: 'remove-server', service: { id: TCP, settings: settings() }, server: server('10.9.0.99', 80) },
      { op: 'remove-service', service: { id: UDP, settings: settings() } },
      join(server('10.9.0.24', 80)),
    ])
    expect(codes).toEqual([
      undefined,
      'EEXIST',
      undefined,
      'EEXIST',
      'EINVAL',
      'ERANGE',
      'ESRCH',
      'ENOENT',
      'ESRCH',
      undefined,
    ])
    expect(lines(ipvsadm('-S', '-n'))).toHaveLength(3)
  })
})

describe('lvskeeper table prints what ipvsadm prints', () => {
  const views: Record<string, boolean>[] = [
    {},
    { stats: true },
    { rate: true },
    { thresholds: true },
    { persistentConn: true },
    { tunInfo: true },
    { stats: true, exact: true },
    { rate: true, exact: true },
  ]
  const names: Record<string, string> = { persistentConn: 'persistent-conn', tunInfo: 'tun-info' }

  test('byte for byte, in the kernel’s order', async () => {
    const unlike = new Map(rows.map(one => [serviceKey(one.service.id), one]))
    await program(
      asTable(
        ...unlike.values(),
        ...rows.slice(0, 13).map((one, i) => ({ ...one, service: { ...one.service, id: { ...TCP, port: 1000 + i } } })),
      ),
    )
    // A table that has just grown is being rehashed, which changes its order for a moment.
    await expect.poll(async () => (await ourTable({ nosort: true })) === ipvsadm('-Ln', '--nosort')).toBe(true)
    for (const view of views) {
      const options = Object.keys(view).map(name => `--${names[name] ?? name}`)
      expect(await ourTable({ ...view, nosort: true }), options.join(' ')).toBe(ipvsadm('-Ln', '--nosort', ...options))
    }
    expect(lines(await ourTable({})).sort()).toEqual(lines(ipvsadm('-Ln')).sort())
    // As JSON it is the same table.
    type Told = { service: Service; servers: { server: Server }[] }
    const { services } = JSON.parse(await ourTable({ json: true, nosort: true })) as { services: Told[] }
    const told = asTable(
      ...services.map(({ service, servers }) => ({ name: '', service, servers: servers.map(({ server }) => server) })),
    )
    expect(save(told).sort()).toEqual(lines(ipvsadm('-S', '-n')).sort())
    expect(JSON.parse(await ourTable({ json: true, timeout: true }))).toEqual({ tcp: 900, tcpFin: 120, udp: 300 })
  })

  test('timeouts, before and after they are set', async () => {
    expect(await ourTable({ timeout: true })).toBe(ipvsadm('-Ln', '--timeout'))
    await kernel.applyGlobals([{ op: 'set-timeouts', timeouts: { tcp: 600, tcpFin: 0, udp: 250 } }])
    expect(await ourTable({ timeout: true })).toBe('Timeout (tcp tcpfin udp): 600 120 250\n')
    expect(ipvsadm('-Ln', '--timeout')).toBe('Timeout (tcp tcpfin udp): 600 120 250\n')
    await kernel.applyGlobals([{ op: 'set-timeouts', timeouts: { tcp: 900, tcpFin: 120, udp: 300 } }])
  })

  test('sync daemons, both roles at once, with the kernel’s defaults and with all settings', async () => {
    sh('ip', 'link', 'add', 'sync0', 'type', 'dummy')
    try {
      sh('ip', 'addr', 'add', '10.8.0.1/24', 'dev', 'sync0')
      sh('ip', 'link', 'set', 'sync0', 'up')
      const base = { interface: 'sync0', syncid: 51, maxlen: 0, port: 0, ttl: 0 }
      const full = {
        role: 'backup' as const,
        interface: 'sync0',
        syncid: 7,
        maxlen: 1400,
        group: '224.0.0.99',
        port: 9999,
        ttl: 3,
      }
      const codes = await kernel.applyGlobals([
        { op: 'start-daemon', daemon: { ...base, role: 'master' } },
        { op: 'start-daemon', daemon: full },
        { op: 'start-daemon', daemon: { ...base, role: 'master' } },
      ])
      expect(codes).toEqual([undefined, undefined, 'EEXIST'])
      expect((await kernel.globals()).daemons).toContainEqual(full)
      const text = ipvsadm('-Ln', '--daemon')
      expect(lines(text)).toHaveLength(2)
      expect(await ourTable({ daemon: true })).toBe(text)
      await kernel.applyGlobals([
        { op: 'stop-daemon', role: 'master' },
        { op: 'stop-daemon', role: 'backup' },
      ])
      expect(await ourTable({ daemon: true })).toBe('')
    } finally {
      sh('ip', 'link', 'del', 'sync0')
    }
  })

  test('a sync daemon runs on though the kernel makes another length of its datagrams, and not where it has lost its interface', async () => {
    const both = (more: object) =>
      (['master', 'backup'] as const).map(role => ({
        ...{ role, interface: 'sync0', syncid: 51, maxlen: 0, port: 0, ttl: 0 },
        ...more,
      }))
    const differs = async (daemons: readonly SyncDaemon[]) => planGlobals({ daemons }, await kernel.globals(), [])
    const told = async (daemons: readonly SyncDaemon[]) => {
      const ops = await differs(daemons)
      const codes = await kernel.applyGlobals(ops)
      return ops.map(({ op }, i) => `${op} ${codes[i] ?? 'ok'}`)
    }
    const started = ['start-daemon ok', 'start-daemon ok']
    const replaced = ['stop-daemon ok', 'stop-daemon ok', ...started]
    const refused = (code: string) => [`start-daemon ${code}`, `start-daemon ${code}`]
    expect(await told(both({}))).toEqual(refused('ENODEV'))
    sh('ip', 'link', 'add', 'sync0', 'type', 'dummy')
    try {
      expect(await told(both({}).slice(0, 1))).toEqual(['start-daemon ENETUNREACH'])
      sh('ip', 'addr', 'add', '10.8.0.1/24', 'dev', 'sync0')
      sh('ip', 'link', 'set', 'sync0', 'up')
      expect(await told(both({ group: '10.9.0.81' }))).toEqual(refused('EINVAL'))
      expect(await told(both({ maxlen: 100 }))).toEqual(started)
      expect(await told(both({ maxlen: 100 }))).toEqual([])
      expect(await told(both({ maxlen: 65_507 }))).toEqual(replaced)
      expect(await told(both({ maxlen: 65_507 }))).toEqual([])
    } finally {
      sh('ip', 'link', 'del', 'sync0')
    }
    // The kernel says that they run on what is there no more.
    expect(await told(both({ maxlen: 65_507 }))).toEqual([])
    expect(await told(both({ maxlen: 65_507, index: 0 }))).toEqual([
      'stop-daemon ok',
      'stop-daemon ok',
      ...refused('ENODEV'),
    ])
  })

  test('connections, as a set', async () => {
    expect(await ourTable({ connections: true })).toBe(ipvsadm('-Lnc'))
    sh('ip', 'link', 'add', 'net0', 'type', 'dummy')
    const sockets: Socket[] = []
    try {
      sh('ip', 'addr', 'add', '10.7.0.1/24', 'dev', 'net0')
      sh('ip', 'link', 'set', 'net0', 'up')
      const id: ServiceId = { protocol: 'tcp', address: '10.7.0.100', port: 80 }
      await program(asTable(row('', id, { persistence: { timeout: 300, granularity: 32 } }, server('10.7.0.21', 8080))))
      for (let i = 0; i < 5; i++) {
        const socket = createConnection({ host: '10.7.0.100', port: 80 })
        socket.on('error', () => {})
        sockets.push(socket)
      }
      const entries = (text: string) => new Set(lines(text).map(line => line.replace(/ \d\d:\d\d /, ' ')))
      await expect.poll(() => lines(ipvsadm('-Lnc')).length, { timeout: 5000 }).toBe(2 + 5 + 1)
      expect(entries(await ourTable({ connections: true }))).toEqual(entries(ipvsadm('-Lnc')))
      expect(await ourTable({ nosort: true })).toBe(ipvsadm('-Ln', '--nosort'))
      const quick = (await kernel.listFast()).get('tcp 10.7.0.100:80')!.servers.get('10.7.0.21:8080')!
      expect(quick.active + quick.inactive).toBe(5)
    } finally {
      for (const socket of sockets) socket.destroy()
      sh('ip', 'link', 'del', 'net0')
    }
  })
})
