import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { labFolder } from '../lab/harness.js'
import { createPair, lost, type Pair, pairFile, sleep, until, vip } from './pair.js'

// The old master returns to a pair with many real servers and pre-empts; `npm run bench return` does so with thousands, beside keepalived.
type Services = readonly (readonly [vip: string, servers: readonly string[]])[]
const { inYaml, manyServices } = (await import(join(labFolder, '../bench/large.mjs'))) as {
  inYaml(text: string, services: Services, interval?: string): string
  manyServices(count: number): Services
}
const { judge, watchServed } = (await import(join(labFolder, 'served.mjs'))) as {
  watchServed(net: Pair['net']): Promise<{ end(): Promise<readonly unknown[]> }>
  judge(probes: readonly unknown[]): { probes: number; refused: number; unanswered: number }
}
const count = 500
let pair: Pair

beforeAll(async () => {
  // A connection that is being made in the moment of the move goes on with mh; the kernel resets it with most others.
  const spread = pairFile('dr').replace('scheduler: rr', 'scheduler: mh\n    scheduler_flags: [mh-port]')
  pair = await createPair({ mode: 'dr', config: inYaml(spread, manyServices(count), '20s') })
  await pair.exec('rs1', 'ip', 'route', 'add', 'local', '10.20.0.0/16', 'dev', 'lo')
  for (const name of ['d1', 'd2']) await pair.exec(name, 'ip', 'route', 'add', '10.20.0.0/16', 'via', '10.9.0.21')
  pair.d2.start()
  await until('d2 serves', () => pair.d2.holds(vip) && programmed(pair.d2) === count + 2, 100_000, 100)
})
afterAll(() => pair.end())

test('a director that comes back takes the VIP when its table is complete, and not before; no client notices', async () => {
  const { d1, d2 } = pair
  const probe = await pair.client(20, 2_000)
  const served = await watchServed(pair.net)
  await sleep(500)
  d1.start({ nice: 10 })
  let least = Number.POSITIVE_INFINITY
  await until(
    'd1 has the VIP, alone',
    () => {
      if (!d1.holds(vip)) return false
      least = Math.min(least, programmed(d1))
      return !d2.holds(vip)
    },
    100_000,
    5,
  )
  expect(least).toBe(count + 2)
  await sleep(500)
  const seen = await probe.end()
  expect(seen.ok).toBeGreaterThan(20)
  expect(lost(seen)).toBe(0)
  // From the start to the end, a SYN every 2 ms, as the kernels saw it. No time is judged: the whole lab may have waited for the host.
  const { probes, ...rest } = judge(await served.end())
  expect(probes).toBeGreaterThan(500)
  expect(rest).toMatchObject({ refused: 0, unanswered: 0 })
})

/** Real servers in the kernel's table. */
const programmed = (one: Pair['d1']) => one.table().reduce((sum, [, all]) => sum + all.length, 0)
