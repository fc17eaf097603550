import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { stop, until } from '../lab/harness.js'
import { createPair, type Director, now, type Pair, sleep, vip } from './pair.js'
import { listen, type Wire } from './wire.js'

const inner = '10.9.1.1'

describe('a running pair', () => {
  let pair: Pair
  let innerWire: Wire
  beforeAll(async () => {
    pair = await createPair({
      inner: true,
      // No second burst after a takeover: what is announced later has another reason.
      router: `garp: { delay: 0s }\nexcluded_vips: [{ address: ${inner}/32, interface: eth1 }, { address: "fd00:9:1::1/128", interface: eth1 }]`,
    })
    innerWire = await listen(pair.topology, 51, 'br1')
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(async () => {
    await innerWire.end()
    await pair.down()
  })

  const ip = async (director: Director, ...argv: string[]) => {
    const done = await pair.topology.exec(director.name, ['ip', ...argv])
    expect(done).toMatchObject({ status: 0 })
    return done.stdout
  }
  const reach = (director: Director, wanted: string) =>
    until(`${director.name} is ${wanted}`, async () => (await director.state()) === wanted, 15_000)
  const on = (director: Director, name: string) => {
    const link = director.links.byName(name)
    return director.links.addresses().flatMap(({ address, index }) => (index === link?.index ? [address] : []))
  }
  const announced = (since: number, { links }: Director, name = 'eth1') => {
    const mac = links.byName(name)?.mac
    return innerWire.announcements().find(one => one.at > since && one.mac === mac && one.address === inner)
  }

  test('announces the VIPs of an interface again when its link is up again', async () => {
    const { d1, topology } = pair
    await topology.exec('sw', ['ip', 'link', 'set', 'd1-inner', 'down'])
    await until('d1 has lost its carrier', () => d1.links.byName('eth1')?.running === false)
    await sleep(300)
    const since = now()
    await topology.exec('sw', ['ip', 'link', 'set', 'd1-inner', 'up'])
    await until('it is announced', () => announced(since, d1), 3_000)
    expect(await d1.state()).toBe('master')
    expect(on(d1, 'eth1')).toContain('fd00:9:1::1')
  }, 30_000)

  test('and when it has become a port of a bridge', async () => {
    const { d1 } = pair
    await ip(d1, 'link', 'add', 'lan', 'type', 'bridge')
    await ip(d1, 'link', 'set', 'lan', 'up')
    await sleep(300)
    const since = now()
    await ip(d1, 'link', 'set', 'eth1', 'master', 'lan')
    await until('it is announced', () => announced(since, d1), 3_000)
    await ip(d1, 'link', 'set', 'eth1', 'nomaster')
    await ip(d1, 'link', 'del', 'lan')
  }, 20_000)

  test('is unfit while its interfaces are away, says which, and goes on with those that come', async () => {
    const { d1, d2, topology } = pair
    const make = async (port: string, name: string) => {
      const other = ['peer', 'name', name, 'netns', topology.ns('d1')]
      await topology.exec('sw', ['ip', 'link', 'add', port, 'type', 'veth', ...other])
      await topology.exec('sw', ['ip', 'link', 'set', port, 'master', port === 'd1' ? 'br0' : 'br1', 'up'])
    }
    await ip(d1, 'link', 'del', 'eth1')
    await reach(d2, 'master')
    await reach(d1, 'fault')
    await until('d1 names it', async () =>
      (await d1.router())?.faults.includes('interface eth1 of its VIPs is missing'),
    )
    await ip(d1, 'link', 'del', 'eth0')
    await until('d1 names both', async () => (await d1.router())?.faults.includes('interface eth0 is down'))
    await make('d1', 'uplink')
    await make('d1-inner', 'eth1')
    await ip(d1, 'link', 'set', 'eth1', 'up')
    // Under another name it is another interface.
    await ip(d1, 'addr', 'add', '10.9.0.11/24', 'dev', 'uplink')
    await ip(d1, 'link', 'set', 'uplink', 'up')
    await sleep(1_000)
    expect(await d1.state()).toBe('fault')
    await ip(d1, 'link', 'set', 'uplink', 'down')
    await ip(d1, 'link', 'set', 'uplink', 'name', 'eth0')
    await ip(d1, 'link', 'set', 'eth0', 'up')
    await reach(d1, 'master')
    await reach(d2, 'backup')
    await until('the VIPs are on d1 alone', () => d1.has() && !d2.has())
    expect(on(d1, 'eth0')).toContain(vip)
    expect(on(d1, 'eth1')).toEqual(expect.arrayContaining([inner, 'fd00:9:1::1']))
  }, 60_000)

  test('puts a VIP back that somebody else keeps removing, but not at his speed', async () => {
    const { d1, topology } = pair
    const before = { lost: (await d1.router())!.counters['vip-lost']!, changes: d1.changes.length }
    const remover = topology.spawnIn('d1', [
      ...['bash', '-c', `while :; do ip addr del ${vip}/32 dev eth0 2>/dev/null; sleep 0.01; done`],
    ])
    await sleep(3_000)
    await stop(remover, 'SIGKILL')
    await until('the VIP is back for good', () => d1.has(), 2_000)
    await sleep(300)
    expect(d1.has()).toBe(true)
    const returned = d1.changes.slice(before.changes).filter(({ has }) => has).length
    // At once each second, and otherwise every 100 ms.
    expect(returned).toBeGreaterThan(10)
    expect(returned).toBeLessThan(50)
    expect(await d1.state()).toBe('master')
    const { counters } = await until('it is counted', async () => {
      const router = await d1.router()
      return router && router.counters['vip-lost']! - before.lost >= returned && router
    })
    expect(counters['vip-lost']! - before.lost).toBeLessThan(50)
    expect((await d1.events('vrrp.vip-lost')).length).toBeLessThan(5)
  }, 20_000)

  test('stays in maintenance over a restart of the whole program', async () => {
    const { d1, d2 } = pair
    expect(await d1.cli('maintenance', 'on', '--force', '--reason', 'new memory')).toMatchObject({ status: 0 })
    await reach(d2, 'master')
    await reach(d1, 'backup')
    d1.parent().kill('SIGTERM')
    await until('d1 has ended', () => d1.parent().exitCode !== null)
    d1.start()
    await reach(d1, 'backup')
    await d1.whole()
    // Long enough for a pre-emption.
    await sleep(1_000)
    expect([await d1.state(), await d2.state()]).toEqual(['backup', 'master'])
    expect(await d1.router()).toMatchObject({ behind: { reason: 'new memory' }, priority: { effective: 1 } })
    // For want of another it serves all the same, and stays in maintenance.
    d2.killAll()
    await reach(d1, 'master')
    d2.start()
    await reach(d2, 'master')
    await reach(d1, 'backup')
    expect(await d1.cli('maintenance', 'off')).toMatchObject({ status: 0 })
    await reach(d1, 'master')
    await reach(d2, 'backup')
  }, 60_000)

  test('gives up where an interface of its VIPs gets another name, and leaves none of them on it', async () => {
    const { d1, d2 } = pair
    await ip(d1, 'link', 'set', 'eth1', 'down')
    await ip(d1, 'link', 'set', 'eth1', 'name', 'other')
    await ip(d1, 'link', 'set', 'other', 'up')
    await reach(d2, 'master')
    await reach(d1, 'fault')
    expect((await d1.router())?.faults).toContain('interface eth1 of its VIPs is missing')
    expect(on(d1, 'other')).not.toContain(inner)
    expect(on(d2, 'eth1')).toContain(inner)
  }, 20_000)
})
