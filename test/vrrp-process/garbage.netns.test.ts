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

test('a master that is flooded with garbage sends each advert within a tenth of its interval', async () => {
  const { quiet, late } = await flooded(pair, 5_000)
  await expectCounted(pair)
  // What the machine does to adverts without a flood is not the flood's.
  expect(Math.max(...late)).toBeLessThan(10 + Math.max(...quiet))
}, 60_000)
