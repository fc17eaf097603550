import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from '../../config/config.js'
import { loadConfig } from '../../config/load.js'
import { collectFacts } from '../../src/doctor/collect.js'
import { runDoctor } from '../../src/doctor/doctor.js'
import { conf, effective } from '../../src/doctor/facts.js'
import { type Segment, segment, until } from '../linux/namespaces.js'

let net: Segment
beforeAll(() => {
  net = segment()
  net.a.run('ip', 'route', 'add', 'default', 'via', '10.9.0.254')
  net.a.run('ip', 'route', 'add', '10.8.0.0/24', 'via', '10.9.0.253')
})
afterAll(() => net.remove())

const commandOf = ({ pid }: { readonly pid?: number | undefined }) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()

const text = `
directors: { d1: { address: 10.9.0.11, priority: 150 }, d2: { address: 10.9.0.12, priority: 100 } }
virtual_routers: { web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32] } }
virtual_servers:
  web:
    address: 10.9.0.100:80
    forward: dr
    check: none
    real_servers: [{ address: 10.9.0.12 }, { address: 10.8.0.21 }]
`
function config(): Config {
  const loaded = loadConfig(text, { file: '/x', hostname: 'd1', localAddresses: ['10.9.0.11'], env: {} })
  if (!loaded.ok) throw new Error(loaded.errors.map(({ message }) => message).join('\n'))
  return loaded.config
}

const facts = (waysTo: readonly string[] = []) => net.a.enter(() => collectFacts({ waysTo }))
// What this kernel has of IPVS, and how much processor this machine gives, is not of the namespace.
const ofTheNamespace = (code: string) =>
  !/^(ipvs|scheduler|vs-|connection-table|cpu-quota|rival|neighbour-table)/.test(code)
const codes = () =>
  net.a
    .enter(() => runDoctor({ config: config() }))
    .findings.map(({ code }) => code)
    .filter(ofTheNamespace)

describe('what is seen of a namespace', () => {
  test('its interfaces, with addresses and state', () => {
    expect(facts().interfaces.map(({ name, up, loopback }) => [name, up, loopback])).toEqual([
      ['lo', true, true],
      ['eth0', true, false],
    ])
    const [, eth0] = facts().interfaces
    expect(eth0).toMatchObject({ running: true, noArp: false, kind: 'veth' })
    expect(eth0?.addresses).toContainEqual({ address: '10.9.0.11', prefix: 24, permanent: true, secondary: false })
  })

  test('its routes and the way to an address', () => {
    expect(facts().routes).toContainEqual(
      expect.objectContaining({ destination: 'default', via: '10.9.0.254', interface: 'eth0', table: 'main' }),
    )
    expect(facts(['10.9.0.12', '10.8.0.21']).ways).toEqual({
      '10.9.0.12': { interface: 'eth0' },
      '10.8.0.21': { interface: 'eth0', via: '10.9.0.253' },
    })
  })

  test('its settings: the larger of all and own holds', () => {
    net.a.run('sysctl', '-qw', `${conf('eth0', 'rp_filter')}=1`, `${conf('all', 'rp_filter')}=2`)
    expect(effective(facts(), 'eth0', 'rp_filter')).toBe(2)
    net.a.run('sysctl', '-qw', `${conf('eth0', 'rp_filter')}=0`, `${conf('all', 'rp_filter')}=0`)
    expect(effective(facts(), 'eth0', 'rp_filter')).toBe(0)
  })
})

describe('doctor', () => {
  test('its rivals, and none that runs in a namespace of its own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-rival-'))
    const keepalived = join(folder, 'keepalived')
    copyFileSync('/bin/sleep', keepalived)
    const elsewhere = net.b.start(keepalived, '100')
    await until('it runs elsewhere', () => commandOf(elsewhere) === 'keepalived')
    expect(facts().processes).not.toContain('keepalived')
    const here = net.a.start(keepalived, '100')
    await until('it runs here', () => commandOf(here) === 'keepalived')
    expect(facts().processes).toContain('keepalived')
    here.kill()
    elsewhere.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  test('finds the real server behind a gateway', () => {
    expect(codes()).toEqual(['dr-behind-gateway'])
  })

  test('finds a VIP of the network configuration, and its command removes it', () => {
    net.a.run('ip', 'address', 'add', '10.9.0.100/24', 'dev', 'eth0')
    expect(codes()).toEqual(['static-vip', 'dr-behind-gateway'])
    const [found] = net.a
      .enter(() => runDoctor({ config: config() }))
      .findings.filter(({ code }) => code === 'static-vip')
    net.a.run('sh', '-c', found!.fix[0]!)
    expect(codes()).toEqual(['dr-behind-gateway'])
  })

  test('finds a cable that is out, and an interface that is down', () => {
    net.b.run('ip', 'link', 'set', 'eth0', 'down')
    expect(codes()).toContain('no-carrier')
    net.b.run('ip', 'link', 'set', 'eth0', 'up')
    net.a.run('ip', 'link', 'set', 'eth0', 'down')
    expect(codes()).toContain('interface-down')
  })
})
