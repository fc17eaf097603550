import { expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { createPair, signal, sleep, vip } from './pair.js'

const excluded = '10.9.0.101'
const ownToo = 'fd00:9::101'

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

test('what an owner moves beside its own addresses comes with its mastership and goes with it', async () => {
  const pair = await createPair({
    router: `priorities: { d1: 255, d2: 100 }
excluded_vips: [${excluded}/32, "${ownToo}/128"]
routes: [{ destination: 10.99.0.0/16, via: 10.9.0.1 }]`,
  })
  onTestFailed(() => console.log(pair.story()))
  try {
    const { d1, d2, topology } = pair
    const shown = async (...argv: string[]) => (await topology.exec('d1', ['ip', '-o', ...argv])).stdout
    const addresses = async (address: string) => await shown('addr', 'show', 'to', address)
    const has = ({ links }: typeof d1, address: string) => links.addresses().some(one => one.address === address)
    const moved = async () => [
      has(d1, excluded),
      (await shown('route', 'show', 'proto', '112')).includes('10.99.0.0/16'),
      has(d2, excluded),
    ]
    await topology.exec('d1', ['ip', 'addr', 'add', `${vip}/32`, 'dev', 'eth0'])
    await topology.exec('d1', ['ip', 'addr', 'add', `${ownToo}/64`, 'dev', 'eth0', 'nodad'])
    const own = [await addresses(vip), await addresses(ownToo)]
    const ownNow = async () => [await addresses(vip), await addresses(ownToo)]
    await pair.up()
    expect(await moved()).toEqual([true, true, false])
    expect(await addresses(excluded)).toContain('deprecated')
    // Longer than the lifetime of what nobody renews.
    await sleep(4_000)
    expect(await moved()).toEqual([true, true, false])
    expect(await ownNow()).toEqual(own)

    // Put back like any VIP.
    await topology.exec('d1', ['ip', 'addr', 'del', `${excluded}/32`, 'dev', 'eth0'])
    await until('it is there again', () => has(d1, excluded))

    // Whose vrrp and spare die loses what is not its own to the other one, by its parent.
    signal(d1.pids().spare, 'SIGKILL')
    d1.kill('vrrp')
    await until('d1 is master again', async () => (await d1.state()) === 'master', 20_000)
    await until('all is back', async () => (await moved()).join() === 'true,true,false')
    expect(await ownNow()).toEqual(own)

    await d1.whole()
    d1.parent().kill('SIGTERM')
    await until('d1 has ended', () => d1.parent().exitCode !== null)
    await until('d2 has both', () => d2.has() && has(d2, excluded))
    expect(await moved()).toEqual([false, false, true])
    expect(await ownNow()).toEqual(own)

    d1.start()
    await until('d1 has it again', () => has(d1, excluded) && !has(d2, excluded), 20_000)
    d1.killAll()
    await until('the kernel has withdrawn it', () => !has(d1, excluded), 10_000)
    expect(await ownNow()).toEqual(own)
  } finally {
    await pair.down()
  }
}, 90_000)
