import { describe, expect, test } from 'vitest'
import type { Role } from '../../src/messages.js'
import type { Child } from '../../src/process/child.js'
import { createDeaths } from '../../src/process/deaths.js'

function child(role: Role): Child {
  return { role, pid: 1, startedAt: 0, lastAlive: 0, lastWord: 0, send: () => {}, kill: () => {} }
}

describe('deaths', () => {
  test('two in a minute are followed at once, the third after a second; each role for itself', () => {
    const deaths = createDeaths()
    const delays = [0, 1_000, 2_000, 3_000].map(now => {
      deaths.add(child('checkers'), now)
      return deaths.delay('checkers', now)
    })
    expect(delays).toEqual([0, 0, 1_000, 2_000])
    expect(deaths.delay('vrrp', 3_000)).toBe(0)
    expect([deaths.any('checkers'), deaths.any('vrrp')]).toEqual([true, false])
    expect(deaths.delay('checkers', 61_500)).toBe(0)
    deaths.forget('checkers')
    expect(deaths.any('checkers')).toBe(false)
  })

  test('a spare that dies in one breath with the process whose place it takes is no second death', () => {
    const deaths = createDeaths()
    for (const now of [0, 10_000]) {
      const spare = child('checkers')
      deaths.add(child('checkers'), now)
      deaths.promoted(spare, now + 1)
      deaths.add(spare, now + 4)
    }
    expect(deaths.delay('checkers', 10_004)).toBe(0)
    // One that has worked for a while dies of its own.
    const spare = child('checkers')
    deaths.promoted(spare, 20_000)
    deaths.add(spare, 20_100)
    expect(deaths.delay('checkers', 20_100)).toBe(1_000)
  })
})
