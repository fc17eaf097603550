import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Sample, standing } from '../../vrrp/tracking.js'
import type { Tracked } from '../../vrrp/virtual-router.js'
import { routerOf } from '../fakes/virtual-router.js'

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
