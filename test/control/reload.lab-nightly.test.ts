import { expect, test } from 'vitest'
import { reloadStory } from './reload-story.js'

const edits = Number(process.env['EDITS'] ?? 200)

test(`after each of ${edits} random edits the kernel's table, its timeouts and what happens to drift are what the file says`, async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  const { applied, refused, compared } = await reloadStory(seed, edits, true)
  console.log(`seed ${seed}: ${applied} applied, ${refused} refused, ${compared} checks compared`)
  expect(applied).toBeGreaterThan(edits / 2)
})
