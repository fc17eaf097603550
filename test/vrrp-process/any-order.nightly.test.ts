import { expect, test } from 'vitest'
import { inAnyOrder } from './any-order.js'
import { figure } from './figures.js'

test('the processes of a master are killed and stopped in any order: in the end the other director has the VIP, and it alone', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000)
  const runs = Number(process.env['RUNS'] ?? 20)
  console.log(`seed ${seed}, ${runs} orders`)
  const both = await inAnyOrder(runs, seed)
  figure('killed and stopped in any order: both have the VIP', both)
  // The lifetime of a VIP that nobody renews, and its own clock's second.
  expect(Math.max(...both)).toBeLessThan(4_100)
}, 900_000)
