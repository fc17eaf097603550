import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPair, type Pair, vip } from './pair.js'
import { download } from './stream.js'
import { everythingButFailover, failoverAndBack, ports, startStreams, streamsFile } from './survive.js'

// NAT: the director rewrites every packet of the connection. The inner VIP, the gateway of the real servers, moves along.
let pair: Pair

beforeAll(async () => {
  pair = await createPair({ mode: 'nat', config: streamsFile('nat', { sync: true }) })
  await startStreams(pair)
})
afterAll(() => pair.end())

test('a download behind NAT loses no byte by a reload, a restart, the end of any process, a failover and the way back', async () => {
  const load = await download(pair.net, vip, ports.turn)
  await everythingButFailover(pair, load)
  await failoverAndBack(pair, load)
  expect(await load.end()).toMatchObject({ whole: true, error: null })
}, 300_000)
