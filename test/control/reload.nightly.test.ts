import { expect, test } from 'vitest'
import { reloadStory } from './reload-story.js'

test('after each of 1,000 random edits what runs is what the file says; nobody fails over, no untouched check starts anew', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  const { applied, refused, compared } = await reloadStory(seed, 1_000)
  console.log(`seed ${seed}: ${applied} applied, ${refused} refused, ${compared} checks compared`)
  expect(applied + refused).toBe(1_000)
  expect(applied).toBeGreaterThan(500)
  expect(compared).toBeGreaterThan(4_000)
}, 3_600_000)
