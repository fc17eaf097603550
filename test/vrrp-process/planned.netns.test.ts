import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { figure } from './figures.js'
import { createPair, type Director, now, type Pair, sleep } from './pair.js'

describe('a planned switch-over', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair()
    await pair.up()
  }, 60_000)
  afterAll(() => pair.down())

  test('is announced by the taker within 50 ms of the leaver saying so, and both ways', async () => {
    onTestFailed(() => console.log(pair.story()))
    const { d1, d2, wire } = pair
    const away: number[] = []
    const back: number[] = []
    const both: number[] = []
    for (let run = 0; run < 20; run++) {
      const there = now()
      // The kernel of these namespaces may lack IPVS: no table, so the other one is not ready and must be forced.
      await d1.failover({ router: 'web', force: true })
      await until('d2 has the VIP alone', () => d2.has() && !d1.has())
      await sleep(200)
      away.push(announced(d2, there) - farewell(d1, there))
      both.push(pair.both(there))
      const home = now()
      await d1.failover({ router: 'web', back: true })
      await until('d1 has the VIP alone', () => d1.has() && !d2.has())
      await sleep(200)
      back.push(announced(d1, home) - lastOf(d2, announced(d1, home)))
      both.push(pair.both(home))
    }
    figure("planned switch-over: leaver's farewell to the taker's first gratuitous ARP", away)
    figure("give-back: last advert of the leaver to the taker's first gratuitous ARP", back)
    figure('planned switch-over and give-back: both have the VIP', both)
    expect(Math.max(...away)).toBeLessThan(50)
    expect(Math.max(...both)).toBeLessThan(100)
    const [longest] = wire.gaps()
    expect(longest!.ms).toBeLessThan(200)
  }, 120_000)

  const announced = (director: Director, since: number) => {
    const found = pair.wire.announcements().find(({ at, mac }) => at > since && mac === macOf(director))
    expect(found, `an announcement of ${director.name}`).toBeDefined()
    return found!.at
  }
  const farewell = (director: Director, since: number) => {
    const found = pair.wire.adverts(director.address).find(({ at, priority }) => at > since && priority === 0)
    expect(found, `a farewell of ${director.name}`).toBeDefined()
    return found!.at
  }
  const lastOf = (director: Director, before: number) =>
    pair.wire.adverts(director.address).findLast(({ at }) => at < before)!.at
  const macOf = (director: Director) => director.links.byName('eth0')!.mac
})
