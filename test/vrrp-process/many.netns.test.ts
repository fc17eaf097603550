import { afterEach, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { figure } from './figures.js'
import { createPair, type Director, now, type Pair, sleep } from './pair.js'

/** As many as one interface can have: the pair's own, and one of each other vrid. */
const others = Array.from({ length: 255 }, (_, index) => index + 1).filter(vrid => vrid !== 51)
const vips = ['10.9.0.100', ...others.map(vrid => `10.9.100.${vrid}`)]

describe('255 virtual routers on one interface', () => {
  let pair: Pair
  beforeEach(async () => {
    pair = await createPair({
      interval: '1s',
      routers: others
        .map(
          vrid => `  r${vrid}: { vrid: ${vrid}, interface: eth0, advert_interval: 1s, vips: [10.9.100.${vrid}/32] }\n`,
        )
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
    await until('d1 has every VIP', () => count(d1) === 255, 20_000)
    expect(count(d2)).toBe(0)
    // Until each knows what to expect of the other, and nothing of the start is left.
    await sleep(1_000)
    expect([count(d1), count(d2)]).toEqual([255, 0])

    const taken = new Map<string, number>()
    d2.links.watch(event => {
      if (event.type === 'address' && !event.before) taken.set(event.address.address, now())
    })
    const since = now()
    d1.killAll()
    await until('d2 has every VIP', () => count(d2) === 255, 10_000, 20)
    const times = vips.map(vip => taken.get(vip)! - since)
    figure('255 routers at 1 s: killed to VIP at the other director', times)
    // None before its time: the last advert was at most an interval old. (100 of 256: 609 ms of skew, if adverts were late.)
    expect(Math.min(...times)).toBeGreaterThan(1_900)
    expect(Math.max(...times)).toBeLessThan(3_000 + 610 + 250)
    await until('d2 is master of all', async () => {
      const routers = (await d2.status())?.routers ?? []
      return routers.length === 255 && routers.every(({ state }) => state === 'master')
    })
    // What the dead one held is gone by itself.
    await until('the kernel of d1 has withdrawn them', () => count(d1) === 0, 5_000)
    expect(count(d2)).toBe(255)
  }, 60_000)
})
