import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { desired } from '../../src/ipvs/desired.js'
import type { TableEvent } from '../../src/ipvs/events.js'
import type { VirtualServerInput } from '../../src/ipvs/inputs.js'
import { type Manager, manager } from '../../src/ipvs/manager.js'
import type { Scheduler, ServiceId } from '../../src/ipvs/table.js'
import { type Ipvs, openIpvs } from '../../src/linux/ipvs.js'
import { readConnections } from '../../src/linux/ipvs-proc.js'
import { memoryJournal, realServer, virtualServer } from './harness.js'
import { ipvsadm, sh, shInput } from './lab.js'
import { segment } from './traffic.js'

const id = `or${process.pid}`
const vip = '10.9.0.100'
const expiry = '/proc/sys/net/ipv4/vs/expire_nodest_conn'
const started: Manager[] = []
const children: ChildProcess[] = []
let net: Awaited<ReturnType<typeof segment>>
let kernel: Ipvs

beforeAll(async () => {
  ipvsadm('-C')
  net = await segment(id)
  // So many clients: any address of these may be bound, and what it sends to the VIP is scheduled here.
  sh('ip', 'route', 'add', 'local', '10.50.0.0/16', 'dev', 'lo')
  kernel = await openIpvs()
  writeFileSync(expiry, '1')
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const one of started) await one.stop({ clear: true })
  kernel?.close()
  writeFileSync(expiry, '0')
  sh('ip', 'route', 'del', 'local', '10.50.0.0/16', 'dev', 'lo')
  net?.down()
})

/** One director's table manager, for one service: two of them are two directors with histories of their own. */
async function director(service: VirtualServerInput) {
  const events: TableEvent[] = []
  let input = service
  const clock = {
    now: () => performance.now(),
    at(deadline: number, wake: () => void) {
      const timer = setTimeout(wake, deadline - performance.now())
      return () => clearTimeout(timer)
    },
  }
  const one = manager(
    { kernel, clock, journal: memoryJournal().journal },
    {
      want: context => desired([input], context),
      globals: () => ({}),
      drift: () => 'repair',
      onEvent: event => events.push(event),
    },
  )
  started.push(one)
  await one.start()
  return {
    events,
    async say(next: VirtualServerInput) {
      input = next
      one.look()
      await one.settled()
    },
    stop: () => one.stop({ clear: true }),
  }
}

/** Real servers of a service that answer nobody: only who would be asked counts. With nat their port is in the hash. */
const hashing = (scheduler: Scheduler, port: number, up: readonly number[], protocol: 'tcp' | 'udp' = 'udp') => {
  const ids: ServiceId[] = [{ protocol, address: vip, port }]
  const settings = { weight: 1, forward: 'nat', upper: 0, lower: 0 } as const
  const servers = Array.from({ length: 12 }, (_, i) =>
    realServer(41 + i, { settings, port: 80, verdict: up.includes(41 + i) ? 'up' : 'down' }),
  )
  return virtualServer(servers, { ids, settings: { scheduler, flags: [], onePacket: false } })
}

const CLIENTS = `
import socket, sys
ports, count = [int(port) for port in sys.argv[1].split(',')], int(sys.argv[2])
for i in range(count):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('10.50.%d.%d' % (i // 250, i % 250 + 1), 4000))
    for port in ports: s.sendto(b'x', ('${vip}', port))
    s.close()
`

/** Whom each of so many clients is sent to, for each of these ports: one process asks for all of them, and the table is read once. */
async function spreads(ports: readonly number[], count = 1000): Promise<Map<string, string>[]> {
  sh('python3', '-c', CLIENTS, ports.join(), `${count}`)
  const found = new Map(ports.map(port => [port, new Map<string, string>()]))
  for await (const { virtual, client, server } of readConnections())
    found.get(virtual.port)?.set(client.address, server.address)
  return [...found.values()]
}

const spread = async (port: number, count = 1000) => (await spreads([port], count))[0]!

function elsewhere(one: Map<string, string>, other: Map<string, string>): number {
  return [...one].filter(([client, server]) => other.get(client) !== server).length
}

const order = (port: number) =>
  ipvsadm('-L', '-n', '--nosort', '-u', `${vip}:${port}`)
    .split('\n')
    .flatMap(line => /-> 10\.9\.0\.(\d+):/.exec(line)?.[1] ?? [])

describe.each(['mh', 'sh'] as const)('%s', scheduler => {
  const base = scheduler === 'mh' ? 1000 : 2000
  const all = Array.from({ length: 12 }, (_, i) => 41 + i)

  test('two directors whose real servers came up in another order send each client to the same one', async () => {
    const [d1, d2] = [
      await director(hashing(scheduler, base + 1, [44])),
      await director(hashing(scheduler, base + 2, all)),
    ]
    for (const up of [[44, 52], [41, 44, 52], all.filter(last => last !== 47), all, [42, 43], all])
      await d1.say(hashing(scheduler, base + 1, up))
    for (const up of [all.filter(last => last !== 41), all]) await d2.say(hashing(scheduler, base + 2, up))
    const [one = new Map(), other = new Map()] = await spreads([base + 1, base + 2])
    expect([one.size, other.size]).toEqual([1000, 1000])
    expect(new Set(one.values()).size).toBe(12)
    expect(elsewhere(one, other)).toBe(0)
    expect(order(base + 1)).toEqual([...all].reverse().map(String))
    await sleep(2500)
    expect([...d1.events, ...d2.events]).toEqual([])
    for (const each of [d1, d2]) await each.stop()
  })

  test('added in another order, the kernel sends some of them elsewhere', async () => {
    const shares: string[] = []
    for (const count of [2, 4, 12]) {
      const some = all.slice(0, count)
      const orders = [some, [...some.slice(1), ...some.slice(0, 1)], [...some].reverse()]
      const ports = orders.map((_, i) => base + 10 + 3 * count + i)
      const rules = orders.flatMap((servers, i) => [
        `-A -u ${vip}:${ports[i]} -s ${scheduler}`,
        ...servers.map(last => `-a -u ${vip}:${ports[i]} -r 10.9.0.${last}:80 -m -w 1`),
      ])
      shInput(`${rules.join('\n')}\n`, 'ipvsadm', '-R')
      const [first = new Map(), ...others] = await spreads(ports)
      for (const port of ports) ipvsadm('-D', '-u', `${vip}:${port}`)
      expect([first, ...others].map(({ size }) => size)).toEqual([1000, 1000, 1000])
      const moved = others.map(other => elsewhere(first, other) / 10)
      shares.push(`${count} real servers: ${moved.join(' % and ')} %`)
      expect(Math.max(...moved)).toBeGreaterThan(0)
    }
    console.log(
      `${scheduler}, sent elsewhere when the first was added last, and when all came the other way round: ${shares.join(', ')}`,
    )
  })

  test('what somebody else takes out and puts back gets its place again', async () => {
    const one = await director(hashing(scheduler, base + 3, all))
    const before = await spread(base + 3)
    ipvsadm('-d', '-u', `${vip}:${base + 3}`, '-r', '10.9.0.43:80')
    ipvsadm('-a', '-u', `${vip}:${base + 3}`, '-r', '10.9.0.43:80', '-m', '-w', '1')
    expect(order(base + 3)[0]).toBe('43')
    await expect.poll(() => order(base + 3).join(), { timeout: 5000 }).toBe([...all].reverse().join())
    expect(one.events.map(event => event.name)).toEqual(['table.drift'])
    expect(elsewhere(before, await spread(base + 3))).toBe(0)
    await one.stop()
  })
})

describe('mh and weight 0', () => {
  test('a real server that drains leaves its clients to others, and they come back', async () => {
    const drained = (service: VirtualServerInput): VirtualServerInput => ({
      ...service,
      servers: service.servers.map(each =>
        each.address === '10.9.0.44' ? { ...each, override: { verb: 'drain' } } : each,
      ),
    })
    const one = await director(hashing('mh', 3001, [43, 44, 45]))
    const before = await spread(3001, 300)
    // UDP keeps it waiting: its clients of a moment ago are inactive connections.
    await one.say(drained(hashing('mh', 3001, [43, 44, 45])))
    expect(ipvsadm('-S', '-n')).toMatch(/3001 -r 10\.9\.0\.44:80 -m -w 0/)
    const others = new Map<string, string>()
    sh('python3', '-c', CLIENTS.replaceAll('10.50.', '10.50.1').replace('4000', '4001'), '3001', '300')
    for await (const { virtual, client, server } of readConnections())
      if (virtual.port === 3001 && client.port === 4001) others.set(client.address, server.address)
    expect([others.size, new Set(others.values())]).toEqual([300, new Set(['10.9.0.43', '10.9.0.45'])])
    await one.say(hashing('mh', 3001, [43, 44, 45]))
    expect(order(3001)).toEqual(['45', '44', '43'])
    expect(elsewhere(before, await spread(3001, 300))).toBe(0)
    await one.stop()
  })
})

describe('a download', () => {
  const port = 9000
  const service = (up: readonly number[]) =>
    virtualServer(
      [20, 21, 22, 23].map(last => realServer(last, { port, verdict: up.includes(last) ? 'up' : 'down' })),
      {
        ids: [{ protocol: 'tcp', address: vip, port }],
        settings: { scheduler: 'mh', flags: [], onePacket: false },
      },
    )

  /** Reads what comes for so many seconds, or until it shall be done; how many bytes, and whether they are the right ones. */
  async function download(seconds: number) {
    const child = spawn('ip', ['netns', 'exec', `${id}-near`, 'python3', '-c', READER, vip, `${port}`, `${seconds}`])
    children.push(child)
    const closed = once(child, 'close')
    let text = ''
    child.stdout.on('data', part => {
      text += part
    })
    child.stderr.on('data', part => {
      text += part
    })
    while (!text.includes('began')) await once(child.stdout, 'data')
    return async ({ now = false } = {}) => {
      if (now) child.kill('SIGTERM')
      await closed
      return text.replace('began', '').trim()
    }
  }

  beforeAll(async () => {
    for (const name of ['rs1', 'rs2']) {
      const child = spawn('ip', ['netns', 'exec', `${id}-${name}`, 'python3', '-c', WRITER, `${port}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      children.push(child)
      await once(child.stdout, 'data')
    }
  })

  test('goes on while its real server is taken out and put back again and again', async () => {
    const one = await director(service([21, 22]))
    const done = await download(60)
    for (let i = 0; i < 60; i++) {
      await one.say(service(i % 2 === 0 ? [20, 21, 22, 23] : [21, 22]))
      await sleep(50)
    }
    expect(await done({ now: true })).toMatch(/^whole [1-9]\d{5,}$/)
    expect(readFileSync(expiry, 'utf8').trim()).toBe('1')
    await one.stop()
  })

  test('ends where its real server stays away for a moment (so this would be seen)', async () => {
    const at = ['-t', `${vip}:${port}`]
    ipvsadm('-A', ...at, '-s', 'mh')
    for (const last of [21, 22]) ipvsadm('-a', ...at, '-r', `10.9.0.${last}:${port}`, '-g', '-w', '1')
    const done = await download(4)
    for (const last of [21, 22]) ipvsadm('-d', ...at, '-r', `10.9.0.${last}:${port}`)
    await sleep(500)
    for (const last of [21, 22]) ipvsadm('-a', ...at, '-r', `10.9.0.${last}:${port}`, '-g', '-w', '1')
    expect(await done()).not.toContain('whole')
    ipvsadm('-D', ...at)
  })
})

/** Numbers, one after another, four bytes each, a few thousand a second. */
const WRITER = `
import socket, struct, sys, threading, time
def feed(c):
    i = 0
    try:
        while True:
            c.sendall(b''.join(struct.pack('>I', i + k) for k in range(500)))
            i += 500
            time.sleep(0.01)
    except OSError: pass
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('0.0.0.0', int(sys.argv[1])))
s.listen(50)
print('ready', flush=True)
while True:
    c, _ = s.accept()
    threading.Thread(target=feed, args=(c,), daemon=True).start()
`

const READER = `
import signal, socket, struct, sys, time
end = time.time() + float(sys.argv[3])
def enough(*_):
    global end
    end = 0
signal.signal(signal.SIGTERM, enough)
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.settimeout(2.5)
data = s.recv(4)
print('began', flush=True)
last, rest, total = -1, data, 0
try:
    while time.time() < end:
        while len(rest) >= 4:
            number, = struct.unpack('>I', rest[:4])
            if number != last + 1: print('broken at', number, last); sys.exit()
            last, rest = number, rest[4:]
        more = s.recv(65536)
        if not more: print('ended after', total); sys.exit()
        total += len(more); rest += more
    print('whole', total)
except OSError as error:
    print('failed after', total, error)
`
