import { describe, expect, test } from 'vitest'
import { firstStart, nextStart, secondStart } from '../../checkers/next.js'

const pace = { interval: 2000, fastInterval: 200, downInterval: 5000, jitter: 0 }
const up = { verdict: 'up', streak: 0 } as const
const down = { verdict: 'down', streak: 0 } as const

describe('the next start', () => {
  test('comes one interval after the last start while results agree', () => {
    expect(nextStart(pace, up, 1000, 1300, 0.5)).toBe(3000)
    expect(nextStart(pace, down, 1000, 1300, 0.5)).toBe(6000)
  })

  test('comes at the fast interval as soon as a result contradicts the verdict', () => {
    expect(nextStart(pace, { verdict: 'up', streak: 1 }, 1000, 1001, 0.5)).toBe(1200)
    expect(nextStart(pace, { verdict: 'down', streak: 1 }, 1000, 1001, 0.5)).toBe(1200)
    expect(nextStart(pace, { verdict: 'unknown', streak: 0 }, 1000, 1001, 0.5)).toBe(1200)
  })

  test('is now when the attempt took longer than the interval', () => {
    expect(nextStart(pace, { verdict: 'up', streak: 1 }, 1000, 2000, 0.5)).toBe(2000)
  })

  test('varies by the jitter, both ways', () => {
    const jittery = { ...pace, jitter: 0.1 }
    expect(nextStart(jittery, up, 1000, 1000, 0)).toBe(2800)
    expect(nextStart(jittery, up, 1000, 1000, 0.75)).toBe(3100)
  })
})

describe('the first starts', () => {
  test('of a few checks come at once, of thousands over the interval', () => {
    expect(firstStart(pace, 2, 0, 0.99)).toBeLessThan(1)
    expect(firstStart(pace, 5000, 0, 0.5)).toBe(500)
    expect(firstStart(pace, 1_000_000, 0, 0.5)).toBe(1000)
  })

  test('and then checks that began together part', () => {
    expect(secondStart(pace, up, 100, 0.25)).toBe(600)
  })
})
