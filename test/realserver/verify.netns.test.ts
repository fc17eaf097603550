import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Half } from '../../src/realserver/half.js'
import { applyRealServer, prepareRealServer } from '../../src/realserver/prepare.js'
import { verifyRealServer } from '../../src/realserver/verify.js'
import { type Segment, segment } from '../linux/namespaces.js'

let net: Segment
const servers: Server[] = []
const dr: Half = {
  mode: 'dr',
  tunnel: { type: 'ipip' },
  vips: ['10.9.0.100', 'fd00:9::100'],
  services: [{ protocol: 'tcp', address: '10.9.0.100', port: 8080 }],
  directors: ['10.9.0.12'],
}

beforeAll(() => {
  net = segment()
  net.a.run('ip', 'route', 'add', 'default', 'via', '10.9.0.254')
  net.a.run('ip', '-6', 'route', 'add', 'default', 'via', 'fd00:9::fe')
})
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
  net.a.run(
    'sh',
    '-c',
    'for d in lo eth0; do ip address show dev $d | sed -n "s/.*inet6* \\([^ ]*:9::100[^ ]*\\|10.9.0.100[^ ]*\\).*/\\1/p" | while read a; do ip address del $a dev $d; done; done',
  )
  net.a.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=0', 'net.ipv4.conf.all.arp_announce=0')
  net.a.run('ip', 'route', 'replace', 'default', 'via', '10.9.0.254')
  net.b.run('ip', 'neigh', 'flush', 'all')
})
afterAll(() => net.remove())

async function listen(host: string): Promise<void> {
  // A host is looked up first: the socket is made later, so the namespace has to stay.
  await net.a.stay(async () => {
    const server = createServer().listen(8080, host)
    servers.push(server)
    await once(server, 'listening')
  })
}

const verify = (half: Half) => net.a.enter(() => verifyRealServer([half]))
const codes = (half: Half) => verify(half).findings.map(({ code }) => code)

/** Types what the findings say, until nothing more is said. */
function mend(half: Half): void {
  for (const { fix } of verify(half).findings) for (const command of fix) net.a.run('sh', '-c', command)
}

/** The MAC that the neighbour learns for an address; undefined: nobody answers. */
function resolved(address: string): string | undefined {
  net.b.run('sh', '-c', `ping -c1 -W1 ${address} >/dev/null || true`)
  return /lladdr (\S+)/.exec(net.b.run('ip', 'neigh', 'show', address))?.[1]
}

describe('a bare real server for direct routing', () => {
  test('lacks the VIPs, the silence about them, and somebody who listens', () => {
    expect(codes(dr)).toEqual(['arp-ignore', 'arp-announce', 'vip-missing', 'vip-missing', 'not-listening'])
  })

  test('is mended by the commands of the findings, and is silent about the VIP then', async () => {
    mend(dr)
    await listen('0.0.0.0')
    expect(verify(dr)).toMatchObject({ problems: 0, warnings: 0 })
    expect(resolved('10.9.0.100')).toBeUndefined()
    expect(resolved('fd00:9::100')).toBeUndefined()
    expect(resolved('10.9.0.11')).toBeDefined()
  })

  test('is mended by apply in one go; a second time changes nothing', async () => {
    const first = net.a.enter(() => applyRealServer(dr))
    expect(first.filter(({ error }) => error !== undefined)).toEqual([])
    expect(net.a.enter(() => applyRealServer(dr))).toEqual(first)
    await listen('10.9.0.100')
    expect(codes(dr)).toEqual([])
  })

  test('is mended by the script, and what the script did its `stop` undoes', () => {
    const text = prepareRealServer(dr, 'script')
    const run = (verb: string) => execFileSync('ip', ['netns', 'exec', net.a.name, 'sh', '-s', verb], { input: text })
    run('start')
    run('start')
    expect(codes(dr)).toEqual(['not-listening'])
    run('stop')
    expect(codes(dr)).toEqual(['vip-missing', 'vip-missing', 'not-listening'])
  })
})

describe('the traps of the guides', () => {
  test('without the ARP settings the neighbour really learns the MAC of the real server for the VIP', () => {
    net.a.run('ip', 'address', 'add', '10.9.0.100/32', 'dev', 'lo')
    expect(resolved('10.9.0.100')).toBeDefined()
    expect(codes({ ...dr, vips: ['10.9.0.100'] })).toEqual(['arp-ignore', 'arp-announce', 'not-listening'])
  })

  test('a VIP with /24 on lo cuts the real server off from its network', () => {
    net.a.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2')
    net.a.run('ip', 'address', 'add', '10.9.0.100/24', 'dev', 'lo')
    expect(() => net.a.run('ping', '-c1', '-W1', '10.9.0.77', '-I', 'eth0')).toThrow()
    const half = { ...dr, vips: ['10.9.0.100'] }
    expect(codes(half)).toEqual(['vip-prefix', 'not-listening'])
    mend(half)
    expect(codes(half)).toEqual(['not-listening'])
  })

  test('a VIP on the interface itself is found and moved to lo', () => {
    net.a.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2')
    net.a.run('ip', 'address', 'add', '10.9.0.100/24', 'dev', 'eth0')
    expect(resolved('10.9.0.100')).toBeDefined()
    const half = { ...dr, vips: ['10.9.0.100'] }
    expect(codes(half)).toEqual(['vip-on-wire', 'not-listening'])
    mend(half)
    net.b.run('ip', 'neigh', 'flush', 'all')
    expect(resolved('10.9.0.100')).toBeUndefined()
  })

  test('a service that listens on its own address only refuses the clients of the VIP', async () => {
    net.a.enter(() => applyRealServer(dr))
    await listen('10.9.0.11')
    expect(codes(dr)).toEqual(['listens-elsewhere'])
  })

  test('with direct routing the gateway must not be a director', () => {
    net.a.enter(() => applyRealServer(dr))
    net.a.run('ip', 'route', 'replace', 'default', 'via', '10.9.0.12')
    expect(codes(dr)).toEqual(['gateway-is-director', 'not-listening'])
  })
})

describe('a real server behind NAT', () => {
  const nat: Half = {
    mode: 'nat',
    tunnel: { type: 'ipip' },
    vips: ['192.0.2.100'],
    services: [{ protocol: 'tcp', address: '10.9.0.11', port: 8080 }],
    directors: ['10.9.0.12'],
    gateway: '10.9.0.1',
  }

  test('must send its answers through the address that moves with the directors', async () => {
    await listen('0.0.0.0')
    expect(codes(nat)).toEqual(['gateway-not-director'])
    net.a.run('ip', 'route', 'replace', 'default', 'via', '10.9.0.12')
    expect(codes(nat)).toEqual(['gateway-not-floating'])
    mend(nat)
    expect(codes(nat)).toEqual([])
  })

  test('must not have the VIP, and hears that clients of its own network are not served', () => {
    net.a.run('ip', 'route', 'replace', 'default', 'via', '10.9.0.1')
    net.a.run('ip', 'address', 'add', '10.9.0.100/32', 'dev', 'lo')
    const report = verify({ ...nat, vips: ['10.9.0.100'] })
    expect(report.findings.map(({ code }) => code)).toEqual(['vip-not-wanted', 'nat-same-network', 'not-listening'])
    expect(report.findings[1]?.fix).toEqual(['ip route del 10.9.0.0/24 dev eth0 proto kernel scope link'])
  })
})
