import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPair, type Director, lost, type Pair, pairFile, servers, sleep, until, untilReady, vip } from './pair.js'

// The rolling upgrade: every real server is drained and brought back in turn, and the master changes in the middle of it.
let pair: Pair
const both = ['10.9.0.21 1', '10.9.0.22 1']

beforeAll(async () => {
  const config = pairFile('dr')
    // A request that is under way goes on at the same real server when the master changes.
    .replace('scheduler: rr', 'scheduler: mh\n    scheduler_flags: [mh-port, mh-fallback]')
    .replace('advert_interval: 100ms', 'advert_interval: 1s')
  // Half-closed connections would hold a drain up for two minutes.
  pair = await createPair({ mode: 'dr', config: `timeouts: { tcp_fin: 2s }\n${config}` })
  pair.d1.start()
  pair.d2.start()
  await untilReady(pair)
}, 240_000)
afterAll(() => pair.end())

test('draining every real server in turn, with a switch-over in the middle, fails no request', async () => {
  const { d1, d2 } = pair
  const probe = await pair.client(25, 3_000)
  await sleep(500)
  await drain('10.9.0.21', d1)
  expect(await pair.curl()).toBe('rs2')
  // Refused while the other is not heard, as on a machine that stands still.
  const asked = () => d1.ask('/v1/failover', { router: 'web', reason: 'in the middle' }).catch(() => undefined)
  await until('the VIP is given away', asked, 20_000, 500)
  await until('d2 is master', () => d2.holds(vip) && !d1.holds(vip), 10_000, 20)
  expect([d1, d2].map(serving)).toEqual([['10.9.0.22'], ['10.9.0.22']])
  await ready('10.9.0.21')
  await drain('10.9.0.22', d2)
  expect(await pair.curl()).toBe('rs1')
  await d1.cli('failover', 'web', '--back')
  await until('d1 is master again', () => d1.holds(vip) && !d2.holds(vip), 20_000, 20)
  expect(await pair.curl()).toBe('rs1')
  await ready('10.9.0.22')
  await sleep(500)
  const seen = await probe.end()
  expect(Object.keys(seen.servers).sort()).toEqual(['rs1', 'rs2'])
  expect(lost(seen)).toBe(0)
}, 240_000)

test('a director that was away when it was said knows it before it is master again', async () => {
  const { d1, d2 } = pair
  d1.crash()
  await until('d2 is master', () => d2.holds(vip) && !d1.holds(vip), 15_000, 20)
  expect(serving(d1).sort()).toEqual(['10.9.0.21', '10.9.0.22'])
  await drain('10.9.0.21', d2, d2)
  d1.start({ nice: 5 })
  try {
    await until('d1 is master again', () => d1.holds(vip), 60_000, 5)
    expect(serving(d1)).toEqual(['10.9.0.22'])
  } finally {
    await d2.cli('ready', 'web/10.9.0.21')
    await untilReady(pair)
  }
}, 240_000)

/**
 * Said to one director, done by both: no new connection, and out of the master's table when the last one has ended. The other may keep
 * it with weight 0 for longer: of the connections that it had as master it never sees the end.
 */
async function drain(address: string, master: Director, asked = pair.d1): Promise<void> {
  await asked.cli('drain', `web/${address}`, '--reason', 'upgrade')
  const left = () => !servers(master).some(server => server.startsWith(address))
  const noneServes = () => ![asked, master].flatMap(serving).includes(address)
  await until(`${address} has left the master's table, and serves nowhere`, () => left() && noneServes(), 40_000, 50)
}

const serving = (one: Director) => servers(one).flatMap(server => (server.endsWith(' 0') ? [] : [server.split(' ')[0]]))

async function ready(address: string): Promise<void> {
  await pair.d1.cli('ready', `web/${address}`)
  await until(
    'both serve again',
    () => [pair.d1, pair.d2].every(one => servers(one).join() === both.join()),
    30_000,
    50,
  )
}
