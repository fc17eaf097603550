import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { stop, until } from '../lab/harness.js'
import { advert, replay } from './forged.js'
import { createPair, type Director, now, type Pair, sleep, vip } from './pair.js'
import { program } from './program.js'
import { capture } from './wire.js'

describe('a pair that signs its adverts', () => {
  let pair: Pair
  const file = (name: string) => join(pair.home, `${name}.key`)
  const keys = (ids: readonly number[], active: number) =>
    `authentication: { hmac: { keys: { ${ids.map(id => `${id}: ${file(String(id))}`).join(', ')} }, active_key: ${active} } }`
  beforeAll(async () => {
    pair = await createPair()
    for (const name of ['1', '2', 'wrong'])
      writeFileSync(file(name), `key ${name} of this test only, not a secret at all`, { mode: 0o600 })
    pair.reconfigure({ router: keys([1], 1) })
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  const counter = async (director: Director, name: string) => (await director.router())?.counters[name] ?? 0
  const masters = async () => [await pair.d1.state(), await pair.d2.state()].join(' ')
  const signed = 'ip proto 112 and src host 10.9.0.11'
  /** Key number in the trailer: behind the IP header (20) and an advert of one address (12). */
  const keyOnWire = async () => (await capture(pair.topology, signed))[0]![33]

  test('elects as any other: 28 more bytes, none of them refused', async () => {
    const { d1, d2 } = pair
    expect(await masters()).toBe('master backup')
    const [packet] = await capture(pair.topology, signed)
    expect(packet).toHaveLength(20 + 12 + 28)
    expect([...packet!.subarray(32, 36)]).toEqual([1, 1, 0, 0])
    expect(await counter(d2, 'advertisement-rcvd')).toBeGreaterThan(10)
    for (const director of [d1, d2])
      for (const reason of ['hmac-missing', 'hmac-mismatch', 'hmac-replay', 'hmac-stale'])
        expect(await counter(director, reason)).toBe(0)
  }, 20_000)

  test('gets another key without a failover: known everywhere, then used, then the old one forgotten', async () => {
    const { d1, d2, wire } = pair
    const since = now()
    for (const router of [keys([1, 2], 1), keys([1, 2], 2), keys([2], 2)]) {
      pair.reconfigure({ router })
      // Both orders: the master first, and last.
      const order = router === keys([1, 2], 2) ? [d1, d2] : [d2, d1]
      for (const director of order) expect(await director.cli('reload')).toMatchObject({ status: 0 })
      await sleep(400)
    }
    expect(await keyOnWire()).toBe(2)
    expect(await masters()).toBe('master backup')
    for (const director of [d1, d2]) {
      expect((await director.events('vrrp.state')).filter(({ at }) => at > since)).toEqual([])
      for (const reason of ['hmac-unknown-key', 'hmac-mismatch']) expect(await counter(director, reason)).toBe(0)
    }
    expect(wire.gaps(since)[0]!.ms).toBeLessThan(300)
  }, 40_000)

  test('hears nothing of a third machine with another key, or without any: counted, told, and nobody yields', async () => {
    const { d1, d2, topology, home } = pair
    const refused = async (reason: string) => {
      for (const director of [d1, d2])
        await until(`${director.name} counts ${reason}`, async () => (await counter(director, reason)) > 5, 20_000)
      expect(await masters()).toBe('master backup')
      expect(await d2.events('vrrp.discarded')).toContainEqual(
        expect.objectContaining({ data: expect.objectContaining({ from: '10.9.0.50', reason }) }),
      )
    }
    const config = join(home, 'rogue.yaml')
    const wrong = `authentication: { hmac: { keys: { 2: ${file('wrong')} } } }`
    writeFileSync(
      config,
      `directors: { d1: { address: 10.9.0.11 }, rogue: { address: 10.9.0.50 } }
virtual_routers:
  web: { vrid: 51, interface: eth0, advert_interval: 100ms, vips: [${vip}/32], priorities: { rogue: 250 }, ${wrong} }
`,
    )
    const folders = ['--run-dir', join(home, 'rogue'), '--state-dir', join(home, 'rogue-state')]
    const rogue = topology.spawnIn('cl', [
      ...[process.execPath, await program(), 'run', '-c', config, '--node', 'rogue', ...folders],
    ])
    await refused('hmac-mismatch')
    await stop(rogue)
    const unsigned = topology.spawnIn('cl', [process.execPath, '-e', advert()], { cwd: process.cwd() })
    await refused('hmac-missing')
    await stop(unsigned, 'SIGKILL')
    expect(await d2.events('vrrp.two-masters')).toEqual([])
    expect(await counter(d1, 'two-masters')).toBe(0)
  }, 60_000)

  test('is not kept from taking over by one who plays captured adverts again', async () => {
    const { d1, d2, topology } = pair
    // The newest of all: nothing that d2 has not read yet.
    const [captured] = await capture(topology, signed)
    const replayer = topology.spawnIn('cl', [process.execPath, '-e', replay(captured!)], { cwd: process.cwd() })
    await until('it is counted', async () => (await counter(d2, 'hmac-replay')) > 5)
    d1.killAll()
    await until('d2 is master', async () => (await d2.state()) === 'master')
    expect(d2.has()).toBe(true)
    await until('it has become too old', async () => (await counter(d2, 'hmac-stale')) > 5)
    expect(await d2.state()).toBe('master')
    await stop(replayer, 'SIGKILL')
  }, 40_000)
})
