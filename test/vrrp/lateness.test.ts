import { describe, expect, test } from 'vitest'
import { guard, type Lateness, remember, unknownLateness } from '../../vrrp/lateness.js'
import { type Random, random } from '../fakes/simulation.js'

const INTERVAL = 100
/** Of priority 100: (256 - 100) / 256 intervals. */
const SKEW = 61

/** Adverts that come these times (ms) after each other. */
const after = (...gaps: readonly number[]): Lateness => {
  let now = 1000
  return gaps.reduce((lateness, gap) => {
    now += gap
    return remember(lateness, gap, INTERVAL, now)
  }, unknownLateness)
}
const punctual = (count: number) => Array.from({ length: count }, () => INTERVAL)

describe('the guard for late adverts', () => {
  test('is 2 ms of a master whose adverts come in time, and of one that was not heard before', () => {
    expect(guard(after(...punctual(20)), SKEW, INTERVAL)).toBe(2)
    expect(guard(unknownLateness, SKEW, INTERVAL)).toBe(2)
    expect(guard(undefined, SKEW, INTERVAL)).toBe(2)
  })

  test('is half more than the largest lateness of so few adverts as eight', () => {
    expect(guard(after(110, 120, 104, 100), SKEW, INTERVAL)).toBe(30)
  })

  test('is little more than the largest lateness of a hundred adverts', () => {
    let lateness = unknownLateness
    for (let i = 1; i <= 100; i++) lateness = remember(lateness, i === 60 ? 13 : 10, 10, 10 * i)
    expect(guard(lateness, 6.1, 10)).toBeCloseTo(3 * 1.04)
  })

  test('is never more than the RFC’s skew, unless that is below what anybody can tell apart', () => {
    expect(guard(after(190), SKEW, INTERVAL)).toBe(SKEW)
    expect(guard(after(190), 0.5, INTERVAL)).toBe(2)
  })

  test('has forgotten a burst after eight adverts, and no sooner than after a second', () => {
    expect(guard(after(120, ...punctual(9)), SKEW, INTERVAL)).toBe(28)
    expect(guard(after(120, ...punctual(11)), SKEW, INTERVAL)).toBe(2)
    const slow = (count: number) => {
      let lateness = remember(unknownLateness, 1300, 1000, 0)
      for (let i = 1; i <= count; i++) lateness = remember(lateness, 1000, 1000, i * 1000)
      return guard(lateness, 600, 1000)
    }
    expect([slow(7), slow(8)]).toEqual([450, 2])
  })

  test('is the whole skew for 256 adverts after one that got lost', () => {
    expect(guard(after(...punctual(10), 203, ...punctual(255)), SKEW, INTERVAL)).toBe(SKEW)
    expect(guard(after(...punctual(10), 203, ...punctual(256)), SKEW, INTERVAL)).toBe(2)
  })

  test('takes an advert that is late by more than an interval for late, not for two', () => {
    expect(guard(after(...punctual(10), 240, ...punctual(12)), SKEW, INTERVAL)).toBe(2)
  })

  test('knows nothing of a silence that nobody would have waited for', () => {
    expect(guard(after(105, 10_000, ...punctual(2)), SKEW, INTERVAL)).toBe(7.5)
  })
})

/** How late each advert is; bursts: now and then some in a row. */
const delays: Readonly<Record<string, (rnd: Random) => () => number>> = {
  'up to 8 ms': rnd => () => rnd.between(0, 8),
  'up to 40 ms': rnd => () => rnd.between(0, 40),
  'exponential, 3 ms on average': rnd => () => -3 * Math.log(1 - rnd.next()),
  'below 1 ms, with bursts of 40 ms': rnd => {
    let left = 0
    return () => {
      if (left === 0 && rnd.chance(0.01)) left = rnd.int(5, 25)
      if (left === 0) return rnd.next()
      left--
      return rnd.between(0, 40)
    }
  },
}

describe.each(Object.entries(delays))('while adverts are late by %s (at 100 ms)', (_, delay) => {
  /** A living master's silences, in 100,000 adverts, that outlast three intervals and the guard; and three intervals and the RFC's skew. */
  function falseTakeovers(seed: number, loss: number, interval: number) {
    const rnd = random(seed)
    const late = delay(rnd)
    const skew = SKEW * (interval / INTERVAL)
    const found = { ours: 0, rfc: 0 }
    let lateness = unknownLateness
    let last = 0
    for (let sent = interval; sent <= 100_000 * interval; sent += interval) {
      const at = sent + late() * (interval / INTERVAL)
      if (rnd.chance(loss) || at <= last) continue
      const gap = at - last
      if (gap > 3 * interval + guard(lateness, skew, interval)) found.ours++
      if (gap > 3 * interval + skew) found.rfc++
      lateness = remember(lateness, gap, interval, at)
      last = at
    }
    return found
  }

  test.each([0, 0.01, 0.05])('and %d of them get lost, it costs no takeover that the RFC’s skew does not', loss => {
    // At 10 ms a hundred adverts are remembered, at 100 ms ten.
    for (const interval of [100, 10])
      for (let seed = 1; seed <= 3; seed++) {
        const { ours, rfc } = falseTakeovers(seed, loss, interval)
        expect({ interval, seed, ours }).toEqual({ interval, seed, ours: rfc })
        // What is compared did happen.
        if (loss === 0.05) expect(rfc).toBeGreaterThan(3)
      }
  })
})
