import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { createPair, type Pair, servers, sleep, status, until, untilReady, untilRunning, vip } from './pair.js'

// One pair in direct routing. Its service is checked so rarely that only the watch connection can be quick; a second one has
// none, and its checks alone find out. Bounds have a second more than the specification: the lab has one processor for all.
const second = `
  plain:
    address: 10.9.0.101:80
    forward: dr
    check: { tcp: {}, interval: 1s, fast_interval: 200ms, timeout: 1s, rise: 2, fall: 3, watch: false }
    real_servers: [{ address: 10.9.0.21 }, { address: 10.9.0.22 }]
`
const file = () =>
  pair.config
    .replace('interval: 1s', 'down_interval: 500ms, interval: 20s')
    .replace('advert_interval: 100ms', 'advert_interval: 100ms\n    restart_interval: 5s')
    .replace('\nalerts:', `${second}\nalerts:`)
let pair: Pair
const both = ['10.9.0.21 1', '10.9.0.22 1']

beforeAll(async () => {
  pair = await createPair({ mode: 'dr' })
  pair.write(file())
  pair.d1.start()
  pair.d2.start()
  await untilReady(pair)
})
afterAll(() => pair.end())

describe('a pair from one file', () => {
  test('serves through both real servers in turn, from the same table on both directors', async () => {
    const answers = [await pair.curl(), await pair.curl(), await pair.curl(), await pair.curl()]
    expect(answers.toSorted()).toEqual(['rs1', 'rs1', 'rs2', 'rs2'])
    expect(servers(pair.d1)).toEqual(both)
    expect(servers(pair.d2)).toEqual(both)
    expect(pair.d1.table()[0]![1][0]!.forward).toBe('Route')
  })

  test('is seen by status, table, explain and events', async () => {
    const { d1 } = pair
    expect(await d1.cli('status')).toMatch(/web .*master/)
    expect(await d1.cli('table')).toMatch(/TCP {2}10\.9\.0\.100:80 rr\n {2}-> 10\.9\.0\.21:80 +Route +1/)
    expect(await d1.cli('explain', 'web/10.9.0.21:80')).toContain('10.9.0.21:80')
    expect(await d1.cli('events')).toContain('master')
  })
})

describe('a real server that refuses connections', () => {
  test('leaves the table by its checks within interval + fall x fast_interval, by its watch connection much sooner, and comes back', async () => {
    const { d1, d2, net } = pair
    const gone = (one: Pair['d1'], service: number) => !servers(one, service).includes('10.9.0.21 1')
    const [watched, plain] = order(d1)
    await sleep(1_000)
    pair.killNginx('rs1')
    const soon = await until('it leaves the watched service', () => gone(d1, watched), 5_000)
    const late = await until('it leaves the other', () => gone(d1, plain) && gone(d2, order(d2)[1]), 5_000)
    net.topology('nginx', 'start', 'rs1')
    expect(soon.ms).toBeLessThan(1_000)
    expect(soon.ms + late.ms).toBeLessThan(1_000 + 3 * 200 + 1_000)
    await until(
      'it is back everywhere',
      () => [d1, d2].every(one => [0, 1].every(n => servers(one, n).length === 2)),
      10_000,
    )
  })

  test('raises an alert when it goes and one when it returns, with its name', async () => {
    const told = (name: string) =>
      pair.alerts.some(alert => alert.name === name && alert.node === 'd1' && alert.text.includes('10.9.0.21:80'))
    await until('both alerts arrive', () => told('server.down') && told('server.up'), 20_000, 50)
  })
})

describe('a table changed behind its back', () => {
  test('is mended within 2 s after ipvsadm -C, and a foreign service is left alone', async () => {
    const { d1 } = pair
    await pair.exec('d1', 'ipvsadm', '-C')
    await pair.exec('d1', 'ipvsadm', '-A', '-t', '10.9.0.99:99', '-s', 'wrr')
    await pair.exec('d1', 'ipvsadm', '-a', '-t', '10.9.0.99:99', '-r', '10.9.0.77:99', '-g', '-w', '7')
    const mended = await until(
      'both services are back',
      () => d1.table().filter(([, all]) => all.length === 2).length === 2,
      5_000,
    )
    expect(mended.ms).toBeLessThan(2_000 + 1_000)
    await sleep(1_200)
    const foreign = d1.table().find(([name]) => name.includes('10.9.0.99:99'))
    expect(foreign?.[1]).toMatchObject([{ address: '10.9.0.77:99', weight: 7 }])
    await pair.exec('d1', 'ipvsadm', '-D', '-t', '10.9.0.99:99')
    expect((await status(d1))?.table.repairs).toBeGreaterThan(0)
  })
})

describe('a reload', () => {
  test('of a bad file changes nothing: exit 78, every error with its line, and status says so', async () => {
    const { d1 } = pair
    const before = JSON.stringify(d1.table())
    const generation = (await status(d1))?.config.generation
    pair.write(file().replace('scheduler: rr', 'schedular: rr'))
    const refused = await d1.cli('reload').then(
      () => undefined,
      (error: { code: number; stderr: string }) => error,
    )
    pair.write(file())
    expect(refused?.code).toBe(78)
    expect(refused?.stderr).toMatch(/lvskeeper\.yaml:\d+:\d+.*schedular/)
    const now = await status(d1)
    expect(now?.config.generation).toBe(generation)
    expect(now?.config.refused?.text).toContain('schedular')
    expect(JSON.stringify(d1.table())).toBe(before)
  })

  test('applies the difference only: another weight and a new real server; the health of the others is kept', async () => {
    const { d1 } = pair
    const healthSince = async () => (await status(d1))?.services[0]?.realServers.slice(0, 2).map(server => server.since)
    const before = await healthSince()
    pair.write(
      file()
        .replace(second, '')
        .replace('address: 10.9.0.21 }', 'address: 10.9.0.21, weight: 3 }')
        .replace('      - { address: 10.9.0.22 }', '      - { address: 10.9.0.22 }\n      - { address: 10.9.0.50 }'),
    )
    expect(await d1.cli('reload')).toContain('generation')
    await until('the weight is in the kernel', () => servers(d1).includes('10.9.0.21 3'), 3_000)
    // Nothing listens on the client's port 80: the new real server never gets in, and plain is no longer in the file.
    await until('the second service has left', () => d1.table().length === 1, 3_000)
    expect(servers(d1)).toEqual(['10.9.0.21 3', '10.9.0.22 1'])
    const after = await status(d1)
    expect(after?.services[0]?.realServers.map(server => server.address)).toEqual([
      '10.9.0.21',
      '10.9.0.22',
      '10.9.0.50',
    ])
    expect(await healthSince()).toEqual(before)
    expect(d1.holds(vip)).toBe(true)
    pair.write(file().replace(second, ''))
    await Promise.all([d1, pair.d2].map(one => one.ask('/v1/reload', {})))
    await until('all is as before', () => servers(d1).join() === both.join(), 5_000)
  })
})

describe('at run time', () => {
  test('a drained real server keeps its long connection on both directors, gets no new one, and leaves when it ends', async () => {
    const { d1, d2, net } = pair
    const long = longConnection(pair)
    await until('the connection stands', () => d1.table()[0]![1].some(one => one.active === 1), 5_000)
    const holder = d1
      .table()[0]![1]
      .find(one => one.active === 1)!
      .address.replace(':80', '')
    await d1.cli('drain', `web/${holder}`, '--reason', 'test')
    await until(
      'the kernel weighs it 0 on both',
      () => [d1, d2].every(one => servers(one).includes(`${holder} 0`) || !servers(one).join().includes(holder)),
      5_000,
    )
    const other = holder.includes('.21') ? 'rs2' : 'rs1'
    expect([await pair.curl(), await pair.curl(), await pair.curl()]).toEqual([other, other, other])
    expect(await long.says('GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toContain('200 OK')
    const held = () => [d1, d2].some(one => servers(one).join().includes(holder))
    expect(held()).toBe(true)
    // Said again with a deadline: it leaves on both, though its connection still stands.
    await d1.cli('drain', `web/${holder}`, '--reason', 'test', '--within', '2s')
    const { ms } = await until('it has left both', () => !held(), 10_000, 50)
    expect(ms).toBeGreaterThan(1_000)
    expect((await status(d1))?.overrides).toMatchObject([{ verb: 'drain', deadline: expect.any(Number) }])
    long.end()
    onTestFailed(() => console.error(net.prefix, d1.table()))
  })

  test('an override survives a restart that no client notices, and ends with `ready`', async () => {
    const { d1, d2 } = pair
    const [drained] = (await status(d1))!.overrides
    expect(drained?.verb).toBe('drain')
    const before = d1.pids()
    const turns = async () => (await d2.get<unknown[]>('/v1/events?last=100&name=vrrp.state'))?.length
    const turnsBefore = await turns()
    // Three programs start on the lab's one processor: a client of theirs waits longer than the network makes it.
    const probe = await pair.client(20, 1_500)
    const moved: string[] = []
    await d1.cli('restart')
    await until(
      'all its processes are new',
      () => {
        if (!d1.holds(vip)) moved.push('it left d1')
        if (d2.holds(vip)) moved.push('d2 took it')
        return replaced(before, d1.pids())
      },
      30_000,
      20,
    )
    await untilRunning(d1)
    expect(moved).toEqual([])
    expect([d1.holds(vip), d2.holds(vip)]).toEqual([true, false])
    expect((await probe.end()).errors).toEqual({})
    expect((await status(d1))?.overrides).toMatchObject([{ verb: 'drain', reason: 'test', address: drained!.address }])
    expect(await turns()).toBe(turnsBefore)
    await d1.cli('ready', drained!.address)
    await until('both serve again', () => [d1, d2].every(one => servers(one).join() === both.join()), 10_000)
  })
})

// The last one of the file: d1 does not come back.
describe('connection sync that the kernel refuses', () => {
  test('makes the director one that is not ready, with the reason; a planned switch-over to it is refused, but not that it takes the place of a dead one', async () => {
    const { d1, d2 } = pair
    await pair.exec('d1', 'ip', 'link', 'add', 'sync0', 'type', 'dummy')
    await pair.exec('d1', 'ip', 'addr', 'add', '10.8.0.1/24', 'dev', 'sync0')
    await pair.exec('d1', 'ip', 'link', 'set', 'sync0', 'up')
    pair.write(`sync: { interface: sync0, id: 51 }\n${file().replace(second, '')}`)
    await Promise.all([d1, d2].map(one => one.ask('/v1/reload', {})))
    const refused = 'the kernel refused to start the sync daemons on sync0 (ENODEV): there is no such interface'
    await until('d2 says so', async () => (await status(d2))?.table.unsynced === refused, 15_000, 100)
    const peerOf = async (one: Pair['d1']) => (await status(one))?.peers[0]?.report
    await until('d1 hears it', async () => (await peerOf(d1))?.syncReady === false, 5_000, 100)
    expect(await peerOf(d1)).toMatchObject({ tableReady: true, syncReady: false })
    expect(await peerOf(d2)).toMatchObject({ tableReady: true, syncReady: true })
    expect(await d1.cli('status')).toContain('its connection sync does not run')
    const said = await d1.cli('failover', 'web').catch((error: { stderr: string }) => error.stderr)
    expect(said).toContain('no other director is ready (d2: its connection sync does not run)')
    expect([d1.holds(vip), d2.holds(vip)]).toEqual([true, false])
    d1.crash()
    await until('d2 is master all the same', () => d2.holds(vip), 10_000, 20)
    expect((await status(d2))?.table).toMatchObject({ complete: true, unsynced: refused })
    await pair.exec('d2', 'ip', 'link', 'add', 'sync0', 'type', 'dummy')
    await pair.exec('d2', 'ip', 'addr', 'add', '10.8.0.2/24', 'dev', 'sync0')
    await pair.exec('d2', 'ip', 'link', 'set', 'sync0', 'up')
    await until('it runs as soon as it can', async () => (await status(d2))?.table.unsynced === undefined, 15_000, 100)
    expect(await d2.cli('table', '--daemon')).toMatch(
      /master sync daemon \(mcast=sync0, syncid=51[\s\S]*backup sync daemon/,
    )
  })
})

/** Every process but the parent has another pid. */
function replaced(before: Pids, now: Pids): boolean {
  const roles = ['vrrp', 'checkers', 'control'] as const
  return roles.every(role => now[role] !== undefined && !Object.values(before).includes(now[role]))
}

type Pids = ReturnType<Pair['d1']['pids']>

/** watched, plain: in which order the kernel lists them. */
function order(one: Pair['d1']): [number, number] {
  const watched = one.table().findIndex(([name]) => name.includes(vip))
  return [watched, 1 - watched]
}

/** One TCP connection of the client through the VIP, held open by a small program in its namespace. */
function longConnection({ net }: Pair) {
  const script = `const s=require('node:net').connect(80,'${vip}');process.stdin.pipe(s);s.pipe(process.stdout)`
  const child = net.spawn('cl', [process.execPath, '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  child.stdout?.on('data', part => {
    text += part
  })
  return {
    async says(question: string) {
      child.stdin?.write(question)
      await until('the answer comes', () => text !== '', 3_000)
      return text
    },
    end: () => void child.kill('SIGKILL'),
  }
}
