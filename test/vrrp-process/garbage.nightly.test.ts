import { afterEach, beforeEach, expect, onTestFailed, test } from 'vitest'
import { expectCounted, flooded } from './garbage.js'
import { createPair, type Pair } from './pair.js'

let pair: Pair
beforeEach(async () => {
  pair = await createPair()
  await pair.up()
  onTestFailed(() => console.log(pair.story()))
}, 60_000)
afterEach(() => pair.down())

test('a minute of garbage delays no advert by more than a tenth of its interval', async () => {
  const { late } = await flooded(pair, 60_000)
  await expectCounted(pair)
  expect(late.length).toBeGreaterThan(550)
  expect(Math.max(...late)).toBeLessThan(10)
}, 180_000)
