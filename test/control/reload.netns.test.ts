import { expect, test } from 'vitest'
import { reloadStory } from './reload-story.js'

test('after each of 50 random edits what runs is what the file says; nobody fails over, no untouched check starts anew', async () => {
  const { applied, refused, compared, adverts } = await reloadStory(20261121, 50)
  expect(applied + refused).toBe(50)
  expect(applied).toBeGreaterThan(30)
  expect(compared).toBeGreaterThan(200)
  // As many as there is time for: a fast machine is through sooner.
  expect(adverts).toBeGreaterThan(30)
}, 180_000)
