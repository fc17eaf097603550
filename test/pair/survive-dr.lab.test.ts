import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest'
import { createPair, type Pair, vip } from './pair.js'
import { download } from './stream.js'
import { everythingButFailover, failoverAndBack, ports, startStreams, streamsFile } from './survive.js'

// Direct routing. One download goes on through everything that can happen to the pair; a second one is young when the master crashes.
let pair: Pair

beforeAll(async () => {
  pair = await createPair({ mode: 'dr', config: streamsFile('dr', { sync: true }) })
  await startStreams(pair)
})
beforeEach(() =>
  onTestFailed(() => console.log([pair.d1, pair.d2].map(one => one.log().slice(-8_000)).join('\n---\n'))),
)
afterAll(() => pair.end())

test('a download in direct routing loses no byte by a reload, a restart, the end of any process, a failover and the way back after a reboot', async () => {
  const load = await download(pair.net, vip, ports.turn)
  await everythingButFailover(pair, load)
  await failoverAndBack(pair, load, { reboot: true })
  expect(await load.end()).toMatchObject({ whole: true, error: null })
}, 300_000)

test('without connection synchronisation, a download that has just begun survives the crash of the master, spread by mh', async () => {
  pair.write(streamsFile('dr', { sync: false }))
  await Promise.all([pair.d1, pair.d2].map(one => one.ask('/v1/reload', {})))
  const load = await download(pair.net, vip, ports.hash)
  await failoverAndBack(pair, load)
  expect(await load.end()).toMatchObject({ whole: true, error: null })
}, 300_000)
