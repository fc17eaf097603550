import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { createPair, type Director, type Pair, vip } from './pair.js'
import { describePackets } from './wire.js'

const excluded = ['10.9.0.101', 'fd00:9::101']
const shop = '10.9.0.102'

describe('two routers, each with another director on top', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair({
      router: 'excluded_vips: [10.9.0.101/32, "fd00:9::101/128"]',
      routers: `  shop: { vrid: 52, interface: eth0, advert_interval: 100ms, vips: [${shop}/32], priorities: { d1: 100, d2: 150 } }`,
    })
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  const states = async (director: Director) => [await director.state('web'), await director.state('shop')].join(' ')
  const reach = (director: Director, wanted: string) =>
    until(`${director.name} is ${wanted}`, async () => (await states(director)) === wanted, 20_000)
  const has = ({ links }: Director) => {
    const there = links.addresses().map(({ address }) => address)
    return [vip, ...excluded, shop].filter(address => there.includes(address))
  }

  test('have a master each, and its VIPs are on that director alone', async () => {
    const { d1, d2 } = pair
    await reach(d1, 'master backup')
    await reach(d2, 'backup master')
    expect(has(d1)).toEqual([vip, ...excluded])
    expect(has(d2)).toEqual([shop])
    expect((await d2.router('shop'))?.priority).toMatchObject({ base: 150, effective: 150 })
    expect((await d1.router('shop'))?.master).toBe(d2.address)
  }, 30_000)

  test('do not advertise what is excluded, in the words of tcpdump', async () => {
    const text = await describePackets(pair.topology, 'ip proto 112 and ip[21] == 51', 3)
    // It writes the list in one line, after the length.
    expect(text.match(/addrs?(?:\(\d+\))?: .*/g)).toEqual(Array(3).fill(`addrs: ${vip}`))
  }, 20_000)

  test('are both with the other one when one crashes, and are shared again when it returns', async () => {
    const { d1, d2, topology } = pair
    d2.killAll()
    await reach(d1, 'master master')
    expect(has(d1)).toEqual([vip, ...excluded, shop])
    await until('the kernel has withdrawn the VIP from d2', () => has(d2).length === 0)
    expect(await topology.exec('cl', ['ping', '-c', '1', '-W', '2', shop])).toMatchObject({ status: 0 })
    d2.start()
    await reach(d2, 'backup master')
    await reach(d1, 'master backup')
    expect(has(d1)).toEqual([vip, ...excluded])
    expect(has(d2)).toEqual([shop])
  }, 60_000)

  test('take what is excluded with them', async () => {
    const { d1, d2 } = pair
    await d2.whole()
    d1.killAll()
    await reach(d2, 'master master')
    expect(has(d2)).toEqual([vip, ...excluded, shop])
    await until('the kernel has withdrawn the VIPs from d1', () => has(d1).length === 0)
  }, 60_000)
})
