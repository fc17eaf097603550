import { expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { createPair, sleep, vip } from './pair.js'

test('an owner is master at once, and its addresses are its own over stop, return and crash', async () => {
  const pair = await createPair({ router: 'priorities: { d1: 255, d2: 100 }' })
  onTestFailed(() => console.log(pair.story()))
  try {
    const { d1, d2, topology, wire } = pair
    /** What the kernel says of it: an address that lvskeeper adds has a lifetime and its own protocol. */
    const entry = async () => (await topology.exec('d1', ['ip', '-o', 'addr', 'show', 'to', `${vip}/32`])).stdout
    await topology.exec('d1', ['ip', 'addr', 'add', `${vip}/32`, 'dev', 'eth0'])
    const own = await entry()
    expect(own).toContain('valid_lft forever')
    const changes = () => d1.changes.filter(({ has }) => !has)

    await pair.up()
    expect(wire.adverts(d1.address)[0]).toMatchObject({ priority: 255 })
    expect(await entry()).toBe(own)
    expect(d2.has()).toBe(false)

    d1.parent().kill('SIGTERM')
    await until('d1 has ended', () => d1.parent().exitCode !== null)
    await until('d2 has the VIP', () => d2.has())
    expect(await entry()).toBe(own)

    d1.start()
    await until('d1 is master', async () => (await d1.state()) === 'master', 20_000)
    await until('d2 has let go', () => !d2.has())
    expect((await d1.router())?.counters).toMatchObject({ 'vip-lost': 0 })
    d1.killAll()
    await until('d2 has the VIP', () => d2.has())
    // Longer than the lifetime of a VIP that nobody renews.
    await sleep(4_000)
    expect(await entry()).toBe(own)
    expect(changes()).toEqual([])
  } finally {
    await pair.down()
  }
}, 60_000)
