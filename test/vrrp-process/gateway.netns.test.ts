import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { createPair, type Director, type Pair, sleep } from './pair.js'

const gateway = '10.9.0.50'
const track = (more = '') =>
  `track: { gateway: { address: ${gateway}, interval: 200ms, timeout: 150ms, fall: 2, rise: 2${more} } }`

describe('a tracked gateway', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair({ router: track() })
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  /** Isolated ports do not see each other, but all others: the adverts go on, the gateway is gone for those that are isolated. */
  const isolate = async (on: boolean, ...names: ('d1' | 'd2')[]) => {
    for (const name of ['cl', ...names])
      expect(
        await pair.topology.exec('sw', ['bridge', 'link', 'set', 'dev', name, 'isolated', on ? 'on' : 'off']),
      ).toMatchObject({ status: 0 })
  }
  const reach = (director: Director, wanted: string) =>
    until(`${director.name} is ${wanted}`, async () => (await director.state()) === wanted, 10_000)
  const masters = async () => [await pair.d1.state(), await pair.d2.state()].join(' ')

  test('that is dead for the master alone is its fault: the other director takes over, and the status says why', async () => {
    const { d1, d2 } = pair
    await isolate(true, 'd1')
    await reach(d1, 'fault')
    await reach(d2, 'master')
    expect((await d1.router())?.faults).toEqual([expect.stringContaining(gateway)])
    expect((await d1.cli('status')).stdout).toContain(gateway)
    expect(await d1.events('vrrp.state')).toContainEqual(
      expect.objectContaining({ level: 'alarm', text: expect.stringContaining(gateway) }),
    )
    await isolate(false, 'd1')
    await reach(d1, 'master')
    await reach(d2, 'backup')
    expect((await d1.router())?.faults).toEqual([])
  }, 40_000)

  test('with a weight moves the priority: shown as a contribution, and enough for the other one to pre-empt', async () => {
    const { d1, d2, wire } = pair
    pair.reconfigure({ router: track(', weight: -60') })
    for (const director of [d1, d2]) expect(await director.cli('reload')).toMatchObject({ status: 0 })
    await sleep(1_000)
    expect(await masters()).toBe('master backup')
    await isolate(true, 'd1')
    await reach(d2, 'master')
    await reach(d1, 'backup')
    const { priority, faults } = (await d1.router())!
    expect(faults).toEqual([])
    expect(priority).toMatchObject({ base: 150, effective: 90 })
    expect(priority.contributions).toEqual([expect.objectContaining({ value: -60 })])
    expect(JSON.stringify(priority.contributions)).toContain(gateway)
    // It said so while it was the master: that is how the other one knew.
    expect(wire.adverts(d1.address).some(advert => advert.priority === 90)).toBe(true)
  }, 40_000)

  test('with a weight that dies for both moves nothing', async () => {
    const { d1, d2 } = pair
    await isolate(false, 'd1')
    await reach(d1, 'master')
    await pair.topology.exec('cl', ['ip', 'link', 'set', 'eth0', 'down'])
    await until(
      'both miss it',
      async () => [await d1.router(), await d2.router()].map(one => one?.priority.effective).join() === '90,40',
    )
    await sleep(1_000)
    expect(await masters()).toBe('master backup')
  }, 30_000)
})
