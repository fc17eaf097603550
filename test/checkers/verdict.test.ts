import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../checkers/ports.js'
import { assumed, judge, unknown } from '../../checkers/verdict.js'

const pass: Outcome = { passed: true, layer: 'L4OK' }
const fail: Outcome = { passed: false, reason: 'timeout', layer: 'L4TOUT' }
const local: Outcome = { passed: false, reason: 'local-error', layer: 'SOCKERR' }
const limits = { rise: 2, fall: 3 }
const fold = (start: typeof unknown, ...outcomes: Outcome[]) =>
  outcomes.reduce((health, outcome) => judge(health, outcome, limits), start)

describe('a verdict', () => {
  test('is made by the first outcome, whichever it is', () => {
    expect(fold(unknown, pass)).toEqual({ verdict: 'up', streak: 0 })
    expect(fold(unknown, fail)).toEqual({ verdict: 'down', streak: 0 })
  })

  test('turns down after `fall` failures in a row, not one earlier', () => {
    expect(fold(unknown, pass, fail, fail)).toEqual({ verdict: 'up', streak: 2 })
    expect(fold(unknown, pass, fail, fail, fail)).toEqual({ verdict: 'down', streak: 0 })
  })

  test('turns up after `rise` passes in a row, not one earlier', () => {
    expect(fold(unknown, fail, pass)).toEqual({ verdict: 'down', streak: 1 })
    expect(fold(unknown, fail, pass, pass)).toEqual({ verdict: 'up', streak: 0 })
  })

  test('counts anew after a result that agrees with it', () => {
    expect(fold(unknown, pass, fail, fail, pass, fail, fail)).toEqual({ verdict: 'up', streak: 2 })
  })

  test('that was only assumed is decided by the first outcome', () => {
    expect(fold(assumed('up'), fail)).toEqual({ verdict: 'down', streak: 0 })
    expect(fold(assumed('down'), pass)).toEqual({ verdict: 'up', streak: 0 })
    expect(fold(assumed('up'), pass)).toEqual({ verdict: 'up', streak: 0 })
    expect(fold(assumed('up'), pass, fail).verdict).toBe('up')
  })

  test('is final when the failure is', () => {
    expect(judge({ verdict: 'up', streak: 0 }, fail, limits, true)).toEqual({ verdict: 'down', streak: 0 })
    expect(judge({ verdict: 'down', streak: 0 }, pass, limits, true).verdict).toBe('down')
  })

  test('is never touched by a local error', () => {
    for (const health of [unknown, assumed('up'), { verdict: 'up' as const, streak: 2 }])
      expect(judge(health, local, limits)).toBe(health)
  })

  test('changes only on an outcome that contradicts it, and its streak stays below the threshold', () => {
    const outcomes = fc.array(fc.constantFrom(pass, fail, local), { maxLength: 60 })
    fc.assert(
      fc.property(outcomes, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (history, rise, fall) => {
        let health = unknown
        for (const outcome of history) {
          const next = judge(health, outcome, { rise, fall })
          if (next.verdict !== health.verdict) expect(next.verdict).toBe(outcome.passed ? 'up' : 'down')
          expect(next.streak).toBeLessThan(next.verdict === 'up' ? fall : rise)
          health = next
        }
      }),
    )
  })
})
