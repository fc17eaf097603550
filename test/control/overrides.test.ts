import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { active, end, merge, nextEnd, prune, unmatched } from '../../src/control/overrides.js'
import type { Override } from '../../src/messages.js'

const drained: Override = { service: 'web', address: '10.9.0.21', port: 80, verb: 'drain', author: 'ann', at: 1_000 }

/** Few names and few stamps, so that many are about the same thing at the same time. */
const override: fc.Arbitrary<Override> = fc
  .record({
    service: fc.constantFrom('web', '*'),
    address: fc.constantFrom('10.9.0.21', '10.9.0.22'),
    port: fc.constantFrom(0, 80),
    verb: fc.constantFrom('drain' as const, 'maint' as const, 'weight' as const),
    author: fc.constantFrom('ann', 'bob'),
    at: fc.integer({ min: 1, max: 5 }),
    until: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    ended: fc.boolean(),
  })
  .map(({ until, ended, ...rest }) => ({
    ...rest,
    ...(until === undefined ? {} : { until }),
    ...(ended ? { ended } : {}),
  }))
const stamped = fc.array(override, { maxLength: 8 })

describe('what operators said on several directors', () => {
  test('is the same whatever the order it was heard in', () => {
    fc.assert(
      fc.property(stamped, stamped, (a, b) => {
        expect(merge(a, b)).toEqual(merge(b, a))
      }),
    )
  })

  test('is the same however it was grouped, and hearing it again changes nothing', () => {
    fc.assert(
      fc.property(stamped, stamped, stamped, (a, b, c) => {
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)))
        expect(merge(merge(a, b), b)).toEqual(merge(a, b))
      }),
    )
  })

  test('keeps one stamp per real server and verb: the newest, and of two at once the end', () => {
    fc.assert(
      fc.property(stamped, stamped, (a, b) => {
        for (const kept of merge(a, b)) {
          const same = [...a, ...b].filter(
            one =>
              one.service === kept.service &&
              one.address === kept.address &&
              one.port === kept.port &&
              one.verb === kept.verb,
          )
          expect(kept.at).toBe(Math.max(...same.map(({ at }) => at)))
          const latest = same.filter(({ at }) => at === kept.at)
          expect(kept.ended === true).toBe(latest.some(({ ended }) => ended === true))
        }
      }),
    )
  })

  test('holds until its end, and not after', () => {
    const until = { ...drained, until: 5_000 }
    expect(active([until], 4_999)).toEqual([until])
    expect(active([until], 5_000)).toEqual([])
    expect(nextEnd([until, { ...drained, verb: 'maint' }], 2_000)).toBe(5_000)
    expect(nextEnd([drained], 2_000)).toBeUndefined()
  })

  test('ends with an end stamp that is newer than what it ends, even when the clock went back', () => {
    const [stamp, ...more] = end([drained], () => true, { author: 'bob', reason: 'done', at: 900 })
    expect(more).toEqual([])
    // It was said in the future of this clock: still active, still ended.
    expect(stamp).toMatchObject({ author: 'bob', reason: 'done', ended: true, at: 1_001 })
    expect(active(merge([drained], [stamp as Override]), 2_000)).toEqual([])
  })

  test('is remembered a week after its end, for directors that were away', () => {
    const ended = { ...drained, ended: true }
    const day = 24 * 3_600_000
    expect(prune([ended], 1_000 + 6 * day)).toEqual([ended])
    expect(prune([ended], 1_000 + 8 * day)).toEqual([])
    expect(prune([drained], 1_000 + 400 * day)).toEqual([drained])
  })

  test('is named when it fits no real server any more', () => {
    const pools = [{ name: 'web', realServers: [{ address: '10.9.0.21', port: 80 }] }]
    const others: Override[] = [
      { ...drained, port: 0 },
      { ...drained, service: '*' },
      { ...drained, port: 8080 },
      { ...drained, service: 'mail' },
      { ...drained, address: '10.9.0.99', ended: true },
    ]
    expect(unmatched([drained, ...others], pools, 2_000)).toEqual([others[2], others[3]])
  })
})
