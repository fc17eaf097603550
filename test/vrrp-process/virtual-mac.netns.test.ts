import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { firewallChanges } from './firewall.js'
import { createPair, type Director, now, type Pair, signal, sleep, vip } from './pair.js'

const mac = '00:00:5e:00:01:33'

describe('a director with virtual MAC and routes', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair({
      router:
        'virtual_mac: true\nroutes: [{ destination: 10.99.0.0/16, via: 10.9.0.1 }]\nrules: [{ from: 10.9.0.100/32, table: 100, preference: 1000 }]',
    })
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  const ip = async (director: Director, ...argv: string[]) =>
    (await pair.topology.exec(director.name, ['ip', ...argv])).stdout

  test('advertises from it, has the VIP on it, and announces it', async () => {
    const { d1, d2, wire } = pair
    expect(await ip(d1, '-o', 'addr', 'show', 'dev', 'vrrp.51')).toContain(vip)
    expect(await ip(d1, 'link', 'show', 'vrrp.51')).toContain(mac)
    expect(await ip(d2, 'link', 'show', 'vrrp.51')).toContain(mac)
    expect(wire.announcements().filter(one => one.address === vip && one.mac === mac).length).toBeGreaterThan(0)
    expect(await ip(d1, 'route', 'show', 'proto', '112')).toContain('10.99.0.0/16 via 10.9.0.1')
    expect(await ip(d2, 'route', 'show', 'proto', '112')).toBe('')
    expect(await ip(d1, 'rule')).toContain('1000:\tfrom 10.9.0.100 lookup 100')
  })

  test('is followed by its spare as any other', async () => {
    const { d1, wire } = pair
    const since = now()
    const { vrrp, spare } = d1.pids()
    signal(vrrp, 'SIGKILL')
    await until('the spare is vrrp', () => d1.pids().vrrp === spare)
    await sleep(1_000)
    expect(wire.gaps(since - 300)[0]!.ms).toBeLessThan(200)
    expect(await d1.state()).toBe('master')
    expect(await ip(d1, 'route', 'show', 'proto', '112')).toContain('10.99.0.0/16')
    await d1.whole()
  }, 30_000)

  test('makes the interface again that somebody removed', async () => {
    const { d1 } = pair
    await ip(d1, 'link', 'del', 'vrrp.51')
    await until('it is there again', async () => (await ip(d1, '-o', 'addr')).includes(vip), 15_000)
    await until('d1 is master', async () => (await d1.state()) === 'master', 15_000)
  }, 40_000)

  test('takes routes over a reload, while it is master', async () => {
    const { d1 } = pair
    pair.reconfigure({ router: 'virtual_mac: true\nroutes: [{ destination: 10.98.0.0/16, via: 10.9.0.1 }]' })
    expect(await d1.cli('reload')).toMatchObject({ status: 0 })
    const routes = () => ip(d1, 'route', 'show', 'proto', '112')
    await until('the new route', async () => (await routes()).includes('10.98.0.0/16'))
    expect(await routes()).not.toContain('10.99.0.0/16')
    expect(await ip(d1, 'rule')).not.toContain('10.9.0.100')
    expect(await d1.state()).toBe('master')
  }, 30_000)

  test('leaves nothing behind when it stops', async () => {
    const { d1, d2 } = pair
    d1.parent().kill('SIGTERM')
    await until('d1 has ended', () => d1.parent().exitCode !== null, 10_000)
    expect(await ip(d1, '-o', 'link')).not.toContain('vrrp.51')
    expect(await ip(d1, 'route', 'show', 'proto', '112')).toBe('')
    expect((await pair.topology.exec('d1', ['cat', '/proc/sys/net/ipv4/conf/eth0/arp_ignore'])).stdout).toBe('0\n')
    await until('d2 has the VIP', () => d2.has())
    expect(await ip(d2, 'route', 'show', 'proto', '112')).toContain('10.99.0.0/16')
  }, 30_000)

  test('has not touched the firewall in all that', async () => {
    const never = await firewallChanges(pair.topology, 'cl')
    for (const name of ['d1', 'd2'] as const) expect(await firewallChanges(pair.topology, name)).toBe(never)
  })
})

describe('a pair with a virtual MAC that speaks unicast', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair({ router: 'virtual_mac: true\ntransport: unicast' })
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  test('is reached all the time, whoever is master: a backup sends nothing with that MAC', async () => {
    const { d1, d2, topology } = pair
    const port = ['tcpdump', '-i', 'd1', '-Q', 'in', '-e', '-n', '-l', '--immediate-mode', `ether src ${mac}`]
    const listener = topology.spawnIn('sw', port)
    let fromFirst: string[] = []
    let listening = false
    listener.stdout?.on('data', text => fromFirst.push(String(text)))
    listener.stderr?.on('data', text => {
      listening ||= String(text).includes('listening on')
    })
    const replies: number[] = []
    topology.spawnIn('cl', ['ping', '-i', '0.02', '-W', '1', vip]).stdout?.on('data', text => {
      for (const _ of String(text).matchAll(/bytes from/g)) replies.push(now())
    })
    await until('the client has answers', () => listening && replies.length > 10)

    await d1.failover({ router: 'web' })
    await until('d2 alone has the VIP', () => d2.has() && !d1.has())
    fromFirst = []
    // d1 asks twice who has the VIP.
    await sleep(1_000)
    expect(fromFirst).toEqual([])
    await d1.failover({ router: 'web', back: true })
    await until('d1 alone has the VIP', () => d1.has() && !d2.has())
    await sleep(1_000)
    // That it would have been seen.
    expect(fromFirst).not.toEqual([])

    // A burst of announcements follows after five seconds only: until then nothing would lead the switch back.
    expect(Math.max(...replies.slice(1).map((at, index) => at - replies[index]!))).toBeLessThan(500)
    expect(now() - replies.at(-1)!).toBeLessThan(500)

    // Its kernel still has the VIP and the interface: it must not answer what the next master announces.
    fromFirst = []
    d1.killAll()
    await until('d2 has the VIP', () => d2.has())
    const took = now()
    expect(d1.has()).toBe(true)
    await sleep(1_000)
    expect(fromFirst.join('')).not.toContain(`${mac} > ${mac}`)
    expect(replies.filter(at => at > took + 300).length).toBeGreaterThan(20)
  }, 30_000)
})
