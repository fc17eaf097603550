import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { createPair, type Director, now, type Pair, sleep, vip } from './pair.js'

describe('a pair of equal priorities', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair({ router: 'priorities: { d1: 120, d2: 120 }' })
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  /** Isolated ports of the switch do not see each other, and all others see both: a partition in which every cable is fine. */
  const part = async (on: boolean) => {
    for (const name of ['d1', 'd2'])
      await pair.topology.exec('sw', ['bridge', 'link', 'set', 'dev', name, 'isolated', on ? 'on' : 'off'])
  }
  const reach = (director: Director, wanted: string) =>
    until(`${director.name} is ${wanted}`, async () => (await director.state()) === wanted, 10_000)

  test('leaves the VIP where it is, although the other one has the higher address', async () => {
    const { d1, d2 } = pair
    await sleep(1_000)
    expect([await d1.state(), await d2.state()]).toEqual(['master', 'backup'])
    expect((await d2.router())?.priority.effective).toBe(120)
    d1.killAll()
    await reach(d2, 'master')
    d1.start()
    await reach(d1, 'backup')
    await sleep(1_000)
    expect([await d1.state(), await d2.state()]).toEqual(['backup', 'master'])
    await d2.failover({ router: 'web', force: true })
    await reach(d1, 'master')
    await d2.failover({ router: 'web', back: true })
    await d1.whole()
  }, 60_000)

  test('has two masters while it is parted; healed, the higher address stays, tells of it and announces the VIP again', async () => {
    const { d1, d2, wire } = pair
    const cut = now()
    await part(true)
    await reach(d2, 'master')
    expect(await d1.state()).toBe('master')
    expect([d1.has(), d2.has()]).toEqual([true, true])
    // Neither knows: nothing has been heard.
    expect(await d2.events('vrrp.two-masters')).toEqual([])
    // The burst that follows a takeover is over.
    await sleep(500)
    const healed = now()
    await part(false)
    await reach(d1, 'backup')
    expect(await d2.state()).toBe('master')
    await until('the VIP is on d2 alone', () => d2.has() && !d1.has())
    const [told] = await until('d2 tells of it', async () => {
      const found = await d2.events('vrrp.two-masters')
      return found.length > 0 && found
    })
    expect(told).toMatchObject({ level: 'alarm', subject: 'router web', data: { other: d1.address, priority: 120 } })
    expect((await d2.router())?.counters['two-masters']).toBeGreaterThan(0)
    expect((await d1.router())?.cause).toBe('higher-address-master')
    const { mac } = d2.links.byName('eth0')!
    const again = wire.announcements().find(one => one.at > healed && one.mac === mac && one.address === vip)
    expect(again).toBeDefined()
    // Within an advert of hearing each other both sides know.
    expect(again!.at - healed).toBeLessThan(500)
    expect(wire.gaps(cut)[0]!.ms).toBeLessThan(400)
  }, 40_000)
})
