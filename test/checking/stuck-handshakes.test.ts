import { expect, test } from 'vitest'
import type { Pool } from '../../src/checking/pool.js'
import { createStuckHandshakes } from '../../src/checking/stuck-handshakes.js'
import type { HalfOpen } from '../../src/linux/half-open.js'

const vip = '10.9.0.100'
const stuck = (server: string, count: number, port = 80): HalfOpen => ({
  virtual: { address: vip, port },
  server: { address: server, port },
  count,
})

/** What is read of a pool: one virtual server, whose real servers are up, each with a check. */
function poolOf(servers: readonly string[]): Pick<Pool, 'services'> {
  const config = { name: 'web', ids: [{ protocol: 'tcp', address: vip, port: 80 }] }
  const members = servers.map(address => ({
    service: config,
    server: { address, port: 80, forward: 'dr' },
    checkKeys: [`check of ${address}`],
    verdict: 'up',
  }))
  return { services: () => new Map([['web', { hash: '', config, members }]]) } as unknown as Pick<Pool, 'services'>
}

function setup(cost = 0) {
  const pool = poolOf(['10.9.0.21', '10.9.0.22'])
  const hastened: string[] = []
  const state = { now: 0, reads: 0, found: [] as HalfOpen[], quiet: Promise.resolve() }
  const handshakes = createStuckHandshakes({
    pool,
    now: () => state.now,
    async read() {
      state.reads++
      state.now += cost
      return state.found
    },
    quiet: () => state.quiet,
    hasten: key => hastened.push(`${state.now} ${key}`),
    changed: () => {},
  })
  const members = [...pool.services().values()].flatMap(service => service.members)
  return { state, hastened, handshakes, counts: () => members.map(member => handshakes.of(member)) }
}

test('a growing number of stuck handshakes makes the checks of that real server, and of no other', async () => {
  const { state, hastened, handshakes, counts } = setup()
  state.found = [stuck('10.9.0.21', 3), stuck('10.9.0.22', 2), stuck('10.9.0.22', 50, 81)]
  await handshakes.look()
  expect(counts()).toEqual([3, 2])
  expect(hastened).toEqual(['0 check of 10.9.0.21'])
  state.now = 5_000
  await handshakes.look()
  expect(hastened).toHaveLength(1)
  state.now = 10_000
  state.found = [stuck('10.9.0.21', 4)]
  await handshakes.look()
  expect(hastened).toEqual(['0 check of 10.9.0.21', '10000 check of 10.9.0.21'])
  expect(counts()).toEqual([4, 0])
})

test('samples are five seconds apart, and more where a sample takes long', async () => {
  const { state, handshakes } = setup(1_000)
  for (state.now = 0; state.now < 60_000; state.now += 1_000) await handshakes.look()
  expect(state.reads).toBe(3)
  const fast = setup()
  for (fast.state.now = 0; fast.state.now < 60_000; fast.state.now += 1_000) await fast.handshakes.look()
  expect(fast.state.reads).toBe(12)
})

test('a sample waits for whoever writes the table', async () => {
  const { state, handshakes } = setup()
  let done = () => {}
  state.quiet = new Promise(resolve => {
    done = resolve
  })
  const looking = handshakes.look()
  await Promise.resolve()
  expect(state.reads).toBe(0)
  done()
  await looking
  expect(state.reads).toBe(1)
})
