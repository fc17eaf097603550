import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { burningPair, judgeBurning } from './burn.js'
import type { Pair } from './pair.js'

let pair: Pair
beforeAll(async () => {
  pair = await burningPair()
}, 60_000)
afterAll(() => pair.down())

test('checkers that burn a whole processor on both directors for a minute make no advert late enough for a failover', async () => {
  onTestFailed(() => console.log(pair.story()))
  await judgeBurning(pair, 60)
  expect(await pair.d1.state()).toBe('master')
}, 120_000)
