import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { createPair, type Director, type Pair, sleep, vip } from './pair.js'

describe('two routers of a sync group', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair({
      inner: true,
      router: 'sync_group: both',
      routers:
        '  inner: { vrid: 52, interface: eth1, advert_interval: 100ms, vips: [{ address: 10.9.1.1/32, interface: eth1 }], sync_group: both }',
    })
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  const states = async (director: Director) => [await director.state('web'), await director.state('inner')].join(' ')
  const reach = (director: Director, wanted: string) =>
    until(`${director.name} is ${wanted}`, async () => (await states(director)) === wanted, 20_000)

  test('start as masters together', async () => {
    await reach(pair.d1, 'master master')
    await reach(pair.d2, 'backup backup')
  }, 30_000)

  test('move together when one has a fault, and come back together', async () => {
    const { d1, d2, topology } = pair
    await topology.exec('d1', ['ip', 'link', 'set', 'eth1', 'down'])
    await reach(d2, 'master master')
    await reach(d1, 'fault fault')
    expect((await d1.router('web'))?.faults).toEqual(['sync group both: inner has a fault'])
    await topology.exec('d1', ['ip', 'link', 'set', 'eth1', 'up'])
    await reach(d1, 'master master')
    await reach(d2, 'backup backup')
  }, 60_000)

  test('move together when one is handed over, and come back together', async () => {
    const { d1, d2 } = pair
    expect(await d1.cli('failover', 'web', '--force')).toMatchObject({ status: 0 })
    await reach(d2, 'master master')
    await reach(d1, 'backup backup')
    await sleep(1_000)
    expect(await states(d2)).toBe('master master')
    expect(await d1.cli('failover', 'web', '--back')).toMatchObject({ status: 0 })
    await reach(d1, 'master master')
    await reach(d2, 'backup backup')
  }, 60_000)

  test('stop together', async () => {
    const { d1, d2, wire } = pair
    d1.parent().kill('SIGTERM')
    await reach(d2, 'master master')
    const farewell = wire.adverts(d1.address).find(({ priority }) => priority === 0)
    expect(farewell).toBeDefined()
  }, 30_000)
})

describe('others on the segment', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair()
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  test('with another vrid are an event and a counter, and change nothing', async () => {
    const { d1, topology } = pair
    const sender = topology.spawnIn('cl', [process.execPath, '-e', foreigner], { cwd: process.cwd() })
    await until('both tell of it', async () =>
      (await Promise.all([pair.d1, pair.d2].map(one => one.events('vrrp.foreign-vrid')))).every(({ length }) => length),
    )
    sender.kill('SIGKILL')
    const [event] = await d1.events('vrrp.foreign-vrid')
    expect(event).toMatchObject({ subject: 'interface eth0', data: { from: '10.9.0.50', vrid: 7, priority: 100 } })
    // The status is told every two seconds.
    await until('the counter says so', async () => ((await d1.router())?.counters['vrid-error'] ?? 0) > 0)
    expect(await d1.state()).toBe('master')
  }, 30_000)

  test('with the VIP are an alarm with their MAC, soon after this director took it', async () => {
    const { d1, d2, topology } = pair
    await topology.exec('cl', ['ip', 'addr', 'add', `${vip}/32`, 'dev', 'eth0'])
    const mac = (await topology.exec('cl', ['cat', '/sys/class/net/eth0/address'])).stdout.trim()
    expect(await d1.cli('failover', 'web', '--force')).toMatchObject({ status: 0 })
    const found = await until('d2 tells of it', async () => (await d2.events('vrrp.address-conflict'))[0])
    expect(found).toMatchObject({ level: 'alarm', data: { address: vip, interface: 'eth0', mac } })
    expect(await d2.state()).toBe('master')
    // d1, now a backup, asks as well: d2 may have it, the client may not.
    for (const { data } of await d1.events('vrrp.address-conflict')) expect(data?.['mac']).toBe(mac)
  }, 30_000)
})

test('a machine with the VIP is told of before a pre-emption, which does not wait for it', async () => {
  const pair = await createPair({ router: 'preempt: { delay: 5s }' })
  onTestFailed(() => console.log(pair.story()))
  try {
    const { d1, d2, topology } = pair
    d2.start()
    await until('d2 is master', async () => (await d2.state()) === 'master', 20_000)
    d1.start()
    await until('d1 is backup', async () => (await d1.state()) === 'backup', 20_000)
    // It has looked as it started; what comes now is found when it is about to relieve d2.
    await sleep(1_000)
    await topology.exec('cl', ['ip', 'addr', 'add', `${vip}/32`, 'dev', 'eth0'])
    await until('d1 is master', async () => (await d1.state()) === 'master', 20_000)
    const mac = (await topology.exec('cl', ['cat', '/sys/class/net/eth0/address'])).stdout.trim()
    const found = await until('d1 tells of it', async () => (await d1.events('vrrp.address-conflict'))[0], 5_000)
    expect(found).toMatchObject({ level: 'alarm', data: { address: vip, mac } })
    const taken = (await d1.events('vrrp.state')).find(({ data }) => data?.['to'] === 'master')
    expect(taken?.data).toMatchObject({ cause: 'preempted' })
    // The question takes 300 ms, the timer has as long to run; the look after a takeover comes a second later.
    expect(found.at - taken!.at).toBeLessThan(900)
  } finally {
    await pair.down()
  }
}, 60_000)

const foreigner = `
const raw = require('raw-socket')
const socket = raw.createSocket({ protocol: 112 })
const int = value => { const bytes = Buffer.alloc(4); bytes.writeInt32LE(value); return bytes }
socket.setOption(0, 32, Buffer.from([10, 9, 0, 50]), 4)
socket.setOption(0, 33, int(255), 4)
// Version 3, vrid 7, priority 100, one address, an interval of 100 ms, checksum without pseudo-header (RFC 5798).
const packet = Buffer.from([0x31, 7, 100, 1, 0, 10, 0, 0, 10, 9, 0, 77])
let sum = 0
for (let i = 0; i < packet.length; i += 2) sum += packet.readUInt16BE(i)
while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
packet.writeUInt16BE(0xffff & ~sum, 6)
setInterval(() => socket.send(packet, 0, packet.length, '224.0.0.18', () => {}), 100)
`

test('directors that advertise from link-local addresses are no strangers to each other', async () => {
  const pair = await createPair({ vips: "'fd00:9::100/128'" })
  onTestFailed(() => console.log(pair.story()))
  try {
    await pair.up()
    expect((await pair.d2.router())?.master).toMatch(/^fe80:/)
    expect((await pair.d1.router())?.source).toMatch(/^fe80:/)
    expect(await pair.d2.events('vrrp.stranger')).toEqual([])
    pair.d1.killAll()
    await until('d2 is master', async () => (await pair.d2.state()) === 'master')
    expect(pair.d2.links.addresses().some(({ address }) => address === 'fd00:9::100')).toBe(true)
  } finally {
    await pair.down()
  }
}, 60_000)
