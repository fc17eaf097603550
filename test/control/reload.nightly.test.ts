import { expect, test } from 'vitest'
import { reloadStory } from './reload-story.js'

const edits = Number(process.env['EDITS'] ?? 1_000)

test(`after each of ${edits} random edits what runs is what the file says; nobody fails over, no untouched check starts anew`, async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  const { applied, refused, compared, adverts } = await reloadStory(seed, edits)
  console.log(
    `seed ${seed}: ${applied} applied, ${refused} refused, ${compared} checks compared, ${adverts} adverts heard`,
  )
  expect(applied + refused).toBe(edits)
  expect(applied).toBeGreaterThan(edits / 2)
  expect(compared).toBeGreaterThan(4 * edits)
  expect(adverts).toBeGreaterThan(edits)
}, 3_600_000)
