import { describe, expect, test } from 'vitest'
import { history } from '../fakes/history.js'

/** The first history that went wrong, with its seed and its last moments. */
function firstWrong(from: number, count: number): string | undefined {
  for (let seed = from; seed < from + count; seed++) {
    const { wrong, log } = history(seed)
    if (wrong.length > 0) return `seed ${seed}\n${wrong.join('\n')}\n${log().slice(-60).join('\n')}`
  }
  return undefined
}

describe('whatever happens among 2 to 5 directors', () => {
  test('once the network is whole, there is one master soon, never two for longer than one down interval, and the VIP is there', {
    timeout: 60_000,
  }, () => {
    expect(firstWrong(1, 800)).toBeUndefined()
  })
})
