import { afterEach, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { figure } from './figures.js'
import { createPair, type Director, now, type Pair, sleep } from './pair.js'

/** The pair's own router, and one of each of the lowest other vrids; 255 are as many as one interface can have. */
describe.each([
  { count: 255, interval: 1_000 },
  { count: 50, interval: 100 },
])('$count virtual routers on one interface with adverts every $interval ms', ({ count: all, interval }) => {
  const others = Array.from({ length: 255 }, (_, index) => index + 1)
    .filter(vrid => vrid !== 51)
    .slice(0, all - 1)
  const vips = ['10.9.0.100', ...others.map(vrid => `10.9.100.${vrid}`)]
  let pair: Pair
  beforeEach(async () => {
    const every = `advert_interval: ${interval}ms`
    pair = await createPair({
      interval: `${interval}ms`,
      routers: others
        .map(vrid => `  r${vrid}: { vrid: ${vrid}, interface: eth0, ${every}, vips: [10.9.100.${vrid}/32] }\n`)
        .join(''),
    })
    await pair.up()
    onTestFailed(() => console.log(pair.story()))
  }, 60_000)
  afterEach(() => pair.down())

  const count = ({ links }: Director) => {
    const has = new Set(links.addresses().map(({ address }) => address))
    return vips.filter(vip => has.has(vip)).length
  }

  test('are all at the other director within three intervals and its skew when every process of the master is killed', async () => {
    const { d1, d2 } = pair
    await until('d1 has every VIP', () => count(d1) === all, 20_000)
    // Until each knows what to expect of the other, and nothing of the start is left.
    await sleep(2_000)
    expect([count(d1), count(d2)]).toEqual([all, 0])

    const taken = new Map<string, number>()
    d2.links.watch(event => {
      if (event.type === 'address' && !event.before) taken.set(event.address.address, now())
    })
    const since = now()
    d1.killAll()
    await until('d2 has every VIP', () => count(d2) === all, 10_000, 20)
    const times = vips.map(vip => taken.get(vip)! - since)
    figure(`${all} routers at ${interval} ms: killed to VIP at the other director`, times)
    // None before its time: the last advert was at most an interval old, and up to a twentieth late.
    expect(Math.min(...times)).toBeGreaterThan(1.9 * interval)
    // (156 of 256 intervals of skew, if adverts were late.)
    expect(Math.max(...times)).toBeLessThan(3.61 * interval + 250)
    await until('d2 is master of all', async () => {
      const routers = (await d2.status())?.routers ?? []
      return routers.length === all && routers.every(({ state }) => state === 'master')
    })
    // What the dead one held is gone by itself.
    await until('the kernel of d1 has withdrawn them', () => count(d1) === 0, 5_000)
    expect(count(d2)).toBe(all)
  }, 60_000)
})
