import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createPair, type Pair, servers, sleep, status, until, vip } from './pair.js'
import { runs } from './restore.js'

// One director runs Debian's keepalived, the other lvskeeper: a migration in its middle, in both roles.
let pair: Pair
const keepalived = (action: string, name: string) => pair.net.topology('keepalived', action, name)

beforeAll(async () => {
  pair = await createPair({ mode: 'dr' })
})
afterAll(() => pair.end())
// The next test, or a second try of this one, begins with nobody there.
afterEach(async () => {
  for (const one of [pair.d1, pair.d2]) {
    if (runs(one)) one.crash()
    try {
      keepalived('kill', one.name)
    } catch {
      // It was not running there.
    }
    await pair.net.heal(one.name)
    // keepalived gives its addresses no lifetime: after a crash the kernel keeps them.
    await pair.exec(one.name, 'ip', 'address', 'flush', 'to', `${vip}/32`)
    await until(`the VIP left ${one.name}`, () => !one.holds(vip), 10_000)
  }
})

test('lvskeeper as the better director: keepalived yields to it, and takes over when it crashes', async () => {
  const { d1, d2, net } = pair
  keepalived('start', 'd2')
  await until('keepalived is master, alone', () => d2.holds(vip), 15_000, 20)
  d1.start()
  await until('d1 has pre-empted', () => d1.holds(vip) && !d2.holds(vip), 40_000, 20)
  // A takeover is told when the clients are served again: a moment later.
  await until('it says so', async () => (await status(d1))?.routers[0]?.state === 'master', 5_000)
  expect((await status(d1))?.routers[0]).toMatchObject({ state: 'master', version: 3 })
  await sleep(1_000)
  expect([d1.holds(vip), d2.holds(vip)]).toEqual([true, false])
  const pids = Object.values(d1.pids())
  const cut = net.cut('d1')
  d1.crash(pids)
  await cut
  const { ms } = await until('keepalived has taken over', () => d2.holds(vip), 10_000)
  expect(ms).toBeLessThan(3_000)
  await until('the VIP left d1', () => !d1.holds(vip), 6_000)
})

test('lvskeeper as the other director: backup beside keepalived with its table ready, master when that stops or crashes, and yields again', async () => {
  const { d1, d2, net } = pair
  d2.start()
  await until('d2 is master, alone', () => d2.holds(vip), 40_000, 20)
  keepalived('start', 'd1')
  await until('d2 has yielded', () => d1.holds(vip) && !d2.holds(vip), 15_000, 20)
  await until(
    'it says so, its table complete',
    async () => (await status(d2))?.routers[0]?.state === 'backup',
    15_000,
    100,
  )
  await until('its table is complete', () => servers(d2).length === 2, 15_000, 100)
  keepalived('stop', 'd1')
  await until('d2 took over from the one that stopped', () => d2.holds(vip), 10_000)
  keepalived('start', 'd1')
  await until('d2 has yielded again', () => d1.holds(vip) && !d2.holds(vip), 15_000, 20)
  const cut = net.cut('d1')
  keepalived('kill', 'd1')
  await cut
  const { ms } = await until('d2 took over from the one that crashed', () => d2.holds(vip), 10_000)
  expect(ms).toBeLessThan(3_000)
  expect(await pair.curl()).toMatch(/rs[12]/)
})
