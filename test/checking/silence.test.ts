import { describe, expect, test } from 'vitest'
import type { Outcome, Reason } from '../../checkers/ports.js'
import { createSilence } from '../../src/checking/silence.js'
import { createTally } from '../../src/checking/tally.js'

const passed: Outcome = { passed: true, layer: 'L4OK' }
const failed = (reason: Reason): Outcome => ({
  passed: false,
  reason,
  layer: 'L4CON',
})

describe('silence', () => {
  function heard(...outcomes: Outcome[]) {
    let now = 0
    const silence = createSilence(() => now)
    for (const outcome of outcomes) {
      now++
      silence.heard('a', outcome)
    }
    return silence
  }

  test('begins with the first attempt that nothing comes back from', () =>
    expect(heard(passed, failed('timeout'), failed('unreachable')).of(['a'])).toBe(2))
  test.each<Reason>(['refused', 'reset', 'closed', 'bad-status', 'bad-body', 'bad-reply', 'tls', 'not-serving'])(
    'is broken by %s, which proves the way',
    reason => expect(heard(failed('timeout'), failed(reason)).of(['a'])).toBeUndefined(),
  )
  test('is neither broken nor begun by our own trouble', () => {
    expect(heard(failed('timeout'), failed('local-error')).of(['a'])).toBe(1)
    expect(heard(failed('local-error')).of(['a'])).toBeUndefined()
  })
  test('of a real server needs all of its checks, and counts from the last of them', () => {
    const silence = heard(failed('timeout'))
    expect(silence.of(['a', 'b'])).toBeUndefined()
    silence.heard('b', failed('timeout'))
    expect(silence.of(['a', 'b'])).toBe(1)
    expect(silence.of([])).toBeUndefined()
  })
  test('changes are counted once each', () =>
    expect(heard(failed('timeout'), failed('timeout'), passed, passed).changes()).toBe(2))
})

test('attempts are counted by check until they are taken', () => {
  const tally = createTally()
  tally.add('port', 'tcp', passed, 0.4)
  tally.add('port', 'tcp', failed('timeout'), 7_000)
  const [count] = tally.take()
  expect(count).toMatchObject({ check: 'port', kind: 'tcp', passed: 1, failed: { timeout: 1 }, sum: 7_000.4 })
  expect(count?.buckets[0]).toBe(1)
  expect(count?.buckets.reduce((sum, each) => sum + each, 0)).toBe(1)
  expect(tally.take()).toEqual([])
})
