import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { stop, until } from '../lab/harness.js'
import { advert } from './forged.js'
import { createPair, type Director, now, type Pair } from './pair.js'
import { describePackets } from './wire.js'

/**
 * Both directors send to each other through the client, a real hop: adverts arrive with a TTL of 254. `web` takes that, `strict` has the default.
 */
describe('a unicast pair with a hop between its directors', () => {
  let pair: Pair
  const strict = '10.9.0.102'
  const hop = (from: Director, to: Director) =>
    pair.topology.exec(from.name, ['ip', 'route', 'replace', `${to.address}/32`, 'via', '10.9.0.50', 'dev', 'eth0'])
  const noHop = (from: Director, to: Director) =>
    pair.topology.exec(from.name, ['ip', 'route', 'flush', `${to.address}/32`])
  beforeAll(async () => {
    pair = await createPair({
      router: 'transport: unicast\nmin_ttl: 254',
      routers: `  strict: { vrid: 52, interface: eth0, advert_interval: 100ms, transport: unicast, vips: [${strict}/32] }`,
    })
    const settings = [
      'net.ipv4.ip_forward=1',
      'net.ipv4.conf.all.send_redirects=0',
      'net.ipv4.conf.eth0.send_redirects=0',
    ]
    expect(await pair.topology.exec('cl', ['sysctl', '-q', '-w', ...settings])).toMatchObject({ status: 0 })
    for (const [from, to] of ends()) expect(await hop(from, to)).toMatchObject({ status: 0 })
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  const ends = () =>
    [
      [pair.d1, pair.d2],
      [pair.d2, pair.d1],
    ] as const
  const reach = (director: Director, wanted: string, router = 'web') =>
    until(`${router} is ${wanted} on ${director.name}`, async () => (await director.state(router)) === wanted, 20_000)
  const counter = async (director: Director, router: string, name: string) =>
    (await director.router(router))?.counters[name] ?? 0

  test('sends to its peers alone, never to the group', async () => {
    const { d1, d2, topology } = pair
    const text = await describePackets(topology, 'ip proto 112 and ip[21] == 51', 20)
    const ends = new Set(text.match(/\d+\.\d+\.\d+\.\d+ > \d+\.\d+\.\d+\.\d+/g))
    expect([...ends]).toEqual([`${d1.address} > ${d2.address}`])
    expect(new Set(text.match(/ttl \d+/g))).toEqual(new Set(['ttl 255', 'ttl 254']))
    expect((await d2.router())?.master).toBe(d1.address)
    expect(await d2.events('vrrp.stranger')).toEqual([])
  }, 20_000)

  test('takes over from a director that crashes, and gives back', async () => {
    const { d1, d2 } = pair
    d1.killAll()
    await reach(d2, 'master')
    expect(d2.has()).toBe(true)
    d1.start()
    await reach(d1, 'master')
    await reach(d2, 'backup')
    await until('the VIP to be on d1 alone', () => d1.has() && !d2.has())
    await d1.whole()
  }, 40_000)

  test('refuses and counts what has come through a router where min_ttl does not allow it: two masters', async () => {
    const { d1, d2 } = pair
    await reach(d1, 'master', 'strict')
    await reach(d2, 'master', 'strict')
    for (const director of [d1, d2]) {
      await until('it is counted', async () => (await counter(director, 'strict', 'ip-ttl-error')) > 0)
      expect(await counter(director, 'web', 'ip-ttl-error')).toBe(0)
    }
    expect(await d2.state('web')).toBe('backup')
  }, 30_000)

  test('ends the two masters as soon as they hear each other: an alarm, and the VIP is announced again', async () => {
    const { d1, d2, wire } = pair
    const since = now()
    // The better one hears the other first: that one yields to the first advert, and then there is nothing to hear any more.
    expect(await noHop(d2, d1)).toMatchObject({ status: 0 })
    const [event] = await until('d1 tells of it', async () => {
      const found = await d1.events('vrrp.two-masters')
      return found.length > 0 && found
    })
    expect(event).toMatchObject({
      level: 'alarm',
      subject: 'router strict',
      data: { other: d2.address, priority: 100 },
    })
    expect(await noHop(d1, d2)).toMatchObject({ status: 0 })
    await reach(d2, 'backup', 'strict')
    expect(await d1.state('strict')).toBe('master')
    expect(await counter(d1, 'strict', 'two-masters')).toBeGreaterThan(0)
    const { mac } = d1.links.byName('eth0')!
    await until('d1 has announced it', () =>
      wire.announcements().some(one => one.at > since && one.mac === mac && one.address === strict),
    )
    expect(d2.links.addresses().some(({ address }) => address === strict)).toBe(false)
  }, 30_000)

  test('takes no advert from a machine that is none of the peers', async () => {
    const { d1, d2, topology } = pair
    const before = await counter(d2, 'web', 'source-error')
    const sender = topology.spawnIn('cl', [process.execPath, '-e', advert(d2.address)], { cwd: process.cwd() })
    await until('it is counted', async () => (await counter(d2, 'web', 'source-error')) > before)
    await stop(sender, 'SIGKILL')
    expect((await d2.router())?.master).toBe(d1.address)
    expect(await d2.state()).toBe('backup')
    expect(d1.has()).toBe(true)
  }, 20_000)
})
