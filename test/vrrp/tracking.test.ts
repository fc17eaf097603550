import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tracker } from '../../vrrp/tracker.js'
import { type Sample, standing } from '../../vrrp/tracking.js'
import type { Tracked } from '../../vrrp/virtual-router.js'
import { routerOf } from '../fakes/virtual-router.js'
import { virtualTime } from '../fakes/virtual-time.js'

const tracked = (weight: number, changes: Partial<Tracked> = {}): Tracked => ({
  ...{ source: 'script chk', weight, reverse: false, onUnknown: 'keep' },
  ...changes,
})
const none = { ownInterface: true, interfaces: [], scripts: [], files: [], processes: [], virtualServers: [] }
const known = (state: boolean | number, reason = 'exit 1'): Sample => ({ state, reason })

function stand(scripts: readonly Tracked[], samples: Record<string, Sample>, now = 0, priority = 100) {
  return standing(routerOf(0, [priority], { track: { ...none, scripts } }), new Map(Object.entries(samples)), 0, now)
}

describe('a weight', () => {
  test.each([
    // weight, reverse, state, priority (undefined: fault)
    [0, false, true, 100],
    [0, false, false, undefined],
    [0, true, true, undefined],
    [0, true, false, 100],
    [20, false, true, 120],
    [20, false, false, 100],
    [20, true, true, 80],
    [-20, false, true, 100],
    [-20, false, false, 80],
    [-20, true, false, 120],
    [2, false, 15, 130],
    [2, false, -15, 70],
    [1, false, -254, undefined],
    [1, false, 0, 100],
    [0, false, 7, undefined],
    [0, false, 0, 100],
    [0, true, 0, undefined],
  ] as const)('of %d (reverse: %s) and a state of %s gives %s', (weight, reverse, state, priority) => {
    const result = stand([tracked(weight, { reverse })], { 'script chk': known(state) })
    if (priority === undefined) expect(result.faults).toEqual(['script chk: exit 1'])
    else expect(result).toMatchObject({ priority, faults: [] })
  })
})

describe('the sum', () => {
  test('stays within 1 and 254', () => {
    const up = { 'script chk': known(true) }
    const down = { 'script chk': known(false) }
    expect(stand([tracked(253)], up).priority).toBe(254)
    expect(stand([tracked(-253)], down).priority).toBe(1)
  })
  test('is explained by its contributions wherever it was not clamped', () => {
    const weights = fc.array(
      fc.integer({ min: -30, max: 30 }).filter(weight => weight !== 0),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(weights, fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), (list, states) => {
        const scripts = list.map((weight, i) => tracked(weight, { source: `script ${i}` }))
        const samples = Object.fromEntries(scripts.map(({ source }, i) => [source, known(states[i]!)]))
        const { priority, contributions } = stand(scripts, samples)
        expect(priority).toBe(contributions.reduce((sum, { value }) => sum + value, 100))
      }),
    )
  })
  test('never moves the owner, but a fault takes even its place', () => {
    expect(stand([tracked(-20)], { 'script chk': known(false) }, 0, 255).priority).toBe(255)
    expect(stand([tracked(0)], { 'script chk': known(false) }, 0, 255).faults).toHaveLength(1)
  })
})

describe('what is unknown', () => {
  const lost: Record<string, Sample> = { 'script chk': { state: true, reason: 'ok', unknownSince: 1000 } }
  test('holds its last state for 10 s, and says when to look again', () => {
    expect(stand([tracked(20, { onUnknown: 'fail' })], lost, 10_999)).toMatchObject({
      priority: 120,
      recheckAt: 11_000,
    })
  })
  test('then counts as failing, if asked so', () => {
    const result = stand([tracked(20, { onUnknown: 'fail' })], lost, 11_000)
    expect(result).toMatchObject({ priority: 100, contributions: [{ value: 0, reason: 'unknown for 10 s' }] })
    expect(result.recheckAt).toBeUndefined()
    expect(stand([tracked(0, { onUnknown: 'fail' })], lost, 11_000).faults).toEqual(['script chk: unknown for 10 s'])
  })
  test('or holds on', () => expect(stand([tracked(20)], lost, 99_999).priority).toBe(120))
  test('from the beginning contributes nothing and is no fault, until it must count as failing', () => {
    expect(stand([tracked(0)], {}, 99_999)).toMatchObject({ priority: 100, faults: [] })
    expect(stand([tracked(0, { onUnknown: 'fail' })], {}, 9_999).faults).toEqual([])
    expect(stand([tracked(0, { onUnknown: 'fail' })], {}, 10_000).faults).toHaveLength(1)
  })
})

describe('the own interface', () => {
  const down = new Map([['interface eth0', known(false)]])
  test('is a fault when it is down', () => {
    expect(standing(routerOf(0, [100]), down, 0, 0).faults).toEqual(['interface eth0 is down'])
  })
  test('is not where its state is to be ignored', () => {
    const careless = routerOf(0, [100], { track: { ...none, ownInterface: false } })
    expect(standing(careless, down, 0, 0).faults).toEqual([])
  })
})

describe('an interface with a debounce', () => {
  const track = { ...none, interfaces: [tracked(0, { source: 'interface eth1', debounce: 500 })] }
  const stand1 = (sample: Sample, now: number) =>
    standing(routerOf(0, [100], { track }), new Map([['interface eth1', sample]]), 0, now)
  const down: Sample = { state: false, reason: 'down', downSince: 1000 }

  test('counts as up until it has been down for that long, and says when to look again', () => {
    expect(stand1(down, 1499)).toMatchObject({
      faults: [],
      contributions: [{ reason: 'down, for less than 500 ms' }],
      recheckAt: 1500,
    })
    expect(stand1(down, 1500).faults).toEqual(['interface eth1: down'])
    expect(stand1(down, 1500).recheckAt).toBeUndefined()
  })
  test('that was down when it was first heard of counts at once', () => {
    expect(stand1({ state: false, reason: 'down' }, 1000).faults).toEqual(['interface eth1: down'])
  })
  test('is followed through its ups and downs', async () => {
    const time = virtualTime()
    let looked = 0
    const track1 = tracker(time.clock(), () => looked++)
    const router = routerOf(0, [100], { track })
    const faults = () => track1.stand(router).faults
    track1.link('eth1', true)
    await time.until(2000)
    track1.link('eth1', false)
    expect(faults()).toEqual([])
    await time.until(2400)
    track1.link('eth1', true)
    track1.link('eth1', false)
    expect(faults()).toEqual([])
    // Told again, it is no longer down than it was.
    await time.until(2600)
    track1.link('eth1', false)
    expect(faults()).toEqual([])
    await time.until(2899)
    expect([looked, faults()]).toEqual([0, []])
    await time.until(2900)
    expect([looked, faults()]).toEqual([1, ['interface eth1: down']])
    track1.link('eth1', true)
    expect(faults()).toEqual([])
  })
})

describe('a witness', () => {
  const router = routerOf(0, [100], { witness: 'witness 10.9.0.1' })
  const said = (sample?: Sample, now = 0) =>
    standing(router, new Map(sample ? [['witness 10.9.0.1', sample]] : []), 0, now)

  test('that answered is shown, moves nothing and forbids nothing', () => {
    const result = said(known(true, 'connected'))
    expect(result).toEqual({
      priority: 100,
      faults: [],
      contributions: [{ source: 'witness 10.9.0.1', value: 0, reason: 'connected' }],
    })
  })
  test('that did not answer, or was not heard of yet, forbids to replace a silent master', () => {
    expect(said(known(false, 'timeout'))).toMatchObject({
      faults: [],
      contributions: [{ reason: 'timeout: no takeover by silence' }],
      unwitnessed: 'witness 10.9.0.1: timeout',
    })
    expect(said()).toMatchObject({ unwitnessed: 'witness 10.9.0.1: not heard of yet' })
  })
  test('counts as it was when nobody tells of it any more', () => {
    expect(said({ state: true, reason: 'ok', unknownSince: 0 }, 99_999).unwitnessed).toBeUndefined()
    expect(said({ state: false, reason: 'timeout', unknownSince: 0 }, 99_999).unwitnessed).toBeDefined()
  })
})
