import { expect, test } from 'vitest'
import { history } from '../fakes/history.js'

test('tens of thousands of random histories, from a seed that is printed', () => {
  const first = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000)
  const count = Number(process.env['HISTORIES'] ?? 50_000)
  console.log(`seeds ${first} to ${first + count - 1}`)
  let done = 0
  for (let seed = first; seed < first + count; seed++) {
    const { wrong, log } = history(seed)
    if (wrong.length > 0) expect(wrong, `seed ${seed}\n${log().slice(-80).join('\n')}`).toEqual([])
    done++
  }
  expect(done).toBe(count)
})
