import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { desired } from '../../src/ipvs/desired.js'
import type { RealServerInput } from '../../src/ipvs/inputs.js'
import { plan } from '../../src/ipvs/plan.js'
import { neededSysctls } from '../../src/ipvs/sysctls.js'
import type { Protocol, ServerSettings, ServiceId, Tunnel } from '../../src/ipvs/table.js'
import { type Ipvs, openIpvs } from '../../src/linux/ipvs.js'
import { writeSysctl } from '../../src/linux/sysctl.js'
import { virtualServer } from './harness.js'
import { ipvsadm, sh } from './lab.js'
import { segment } from './traffic.js'

let net: Awaited<ReturnType<typeof segment>>
let kernel: Ipvs
beforeAll(async () => {
  ipvsadm('-C')
  net = await segment(`t${process.pid}`)
  kernel = await openIpvs()
})
afterAll(() => {
  ipvsadm('-C')
  kernel?.close()
  net?.down()
})

const VIP = { 4: '10.9.0.100', 6: 'fd00:9::100' } as const
const RIP = { 4: '10.9.0.2', 6: 'fd00:9::2' } as const

/** Programs rr over both real servers, as the manager would, with the settings that the features need. */
async function serve(
  id: ServiceId,
  family: 4 | 6,
  settings: Pick<ServerSettings, 'forward' | 'tunnel'>,
  port = 80,
): Promise<void> {
  const servers = [1, 2].map(
    (n): RealServerInput => ({
      address: `${RIP[family]}${n}`,
      port,
      verdict: 'up',
      inhibit: false,
      settings: { weight: 1, upper: 0, lower: 0, ...settings },
    }),
  )
  const service = virtualServer(servers, {
    ids: [id],
    settings: {
      scheduler: 'rr',
      flags: [], // Answers through NAT need the entry that one-packet scheduling does not keep.
      onePacket: 'protocol' in id && id.protocol === 'udp' && settings.forward === 'dr',
    },
  })
  const features = {
    services: [service],
    interfaces: [net.bridge, 'v-far'],
    sync: false,
    conntrack: false,
  }
  for (const { name, value } of neededSysctls(features)) writeSysctl(name, value)
  ipvsadm('-C')
  const codes = await kernel.apply(plan(desired([service], { now: 0 }).table, new Map()))
  expect(codes.filter(code => code !== undefined)).toEqual([])
}

function expectBoth(answers: string[]): void {
  expect([...answers].sort()).toEqual(['rs1', 'rs1', 'rs2', 'rs2'])
}

const protocols: Protocol[] = ['tcp', 'udp', 'sctp']
const gre = { type: 'gre', checksum: 'none' } as const
const gue = { type: 'gue', port: 6080, checksum: 'none' } as const
/** What the real servers need besides tunl0, gre0, ip6tnl0, ip6gre0 and a GUE port: gre checksums must be expected. */
const tunnels: { name: string; tunnel: Tunnel; ends: { 4?: string[]; 6?: string[] } }[] = [
  { name: 'ipip', tunnel: { type: 'ipip' }, ends: {} },
  { name: 'gre', tunnel: gre, ends: {} },
  {
    name: 'gre, checksum',
    tunnel: { ...gre, checksum: 'csum' },
    ends: { 4: ['gre', 'icsum'], 6: ['ip6gre', 'icsum'] },
  },
  { name: 'gue', tunnel: gue, ends: {} },
  { name: 'gue, checksum', tunnel: { ...gue, checksum: 'csum' }, ends: {} },
  { name: 'gue, remote checksum', tunnel: { ...gue, checksum: 'remcsum' }, ends: {} },
]

describe('packets flow', () => {
  for (const family of [4, 6] as const) {
    for (const protocol of protocols) {
      const id = { protocol, address: VIP[family], port: 80 }
      test(`in DR, IPv${family}, ${protocol}`, async () => {
        await serve(id, family, { forward: 'dr' })
        expectBoth(await net.ask('near', protocol, VIP[family], 80))
      })
      test(`in NAT with another port, IPv${family}, ${protocol}`, async () => {
        await serve(id, family, { forward: 'nat' }, 8080)
        expectBoth(await net.ask('far', protocol, VIP[family], 80))
      })
    }
    for (const { name, tunnel, ends } of tunnels)
      test(`in TUN (${name}), IPv${family}`, async () => {
        const end = ends[family]
        if (end) net.receive(...end)
        try {
          await serve({ protocol: 'tcp', address: VIP[family], port: 80 }, family, { forward: 'tun', tunnel })
          expectBoth(await net.ask('near', 'tcp', VIP[family], 80))
        } finally {
          if (end) net.stopReceiving()
        }
      })
  }

  test('in TUN to real servers of the other address family', async () => {
    await serve({ protocol: 'tcp', address: VIP[6], port: 80 }, 4, { forward: 'tun', tunnel: { type: 'ipip' } })
    expectBoth(await net.ask('near', 'tcp', VIP[6], 80))
  })

  test.each([4, 6] as const)('by firewall mark, several ports as one service, IPv%i', async family => {
    const [protocol, word, length] = family === 4 ? ['ip', 'ip', 32] : ['ipv6', 'ip6', 128]
    const filter = (port: number) => {
      const match = `match ${word} dst ${VIP[family]}/${length} match ${word} dport ${port} 0xffff`.split(' ')
      const what = ['protocol', protocol, 'u32', ...match, 'action', 'skbedit', 'mark', '7']
      sh('tc', 'filter', 'add', 'dev', net.bridge, 'ingress', ...what)
    }
    sh('tc', 'qdisc', 'add', 'dev', net.bridge, 'clsact')
    for (const port of [80, 8080]) filter(port)
    await serve({ mark: 7, family }, family, { forward: 'dr' }, 0)
    expectBoth(await net.ask('near', 'tcp', VIP[family], 80))
    expectBoth(await net.ask('near', 'tcp', VIP[family], 8080))
    sh('tc', 'qdisc', 'del', 'dev', net.bridge, 'clsact')
    expect(await net.ask('near', 'tcp', VIP[family], 80, 1, 1)).toEqual(['-'])
  })
})
