import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { frameAnnouncer } from '../../src/linux/announcer.js'
import { bpf, wholePacket } from '../../src/linux/bpf.js'
import { type Conflict, probeConflict } from '../../src/linux/conflict-probe.js'
import { libc } from '../../src/linux/libc.js'
import { type Links, watchLinks } from '../../src/linux/links.js'
import { listenFrames } from '../../src/linux/packet-socket.js'
import { interfaceSysctl, writeSysctl } from '../../src/linux/sysctl.js'
import { openLan, vrrpGroup } from '../../src/linux/vrrp-socket.js'
import { decodeAdvertisement } from '../../vrrp/neighbour.js'
import { encodeAdvert } from '../../vrrp/packet.js'
import { type Segment, segment, sleep, until } from './namespaces.js'

let net: Segment
let links: Links
const closing: { close(): void }[] = []
beforeAll(async () => {
  net = segment()
  links = await net.a.enter(() => watchLinks())
})
afterEach(() => {
  for (const one of closing.splice(0)) one.close()
})
afterAll(() => {
  links.close()
  net.remove()
})

/** tshark in b: runs `send` once it captures, answers its lines after `count` packets. */
async function seen(filter: string, fields: string[], count: number, send: () => void): Promise<string[]> {
  const child = net.b.start(
    'tshark',
    '-l',
    '-n',
    '-i',
    'eth0',
    '-f',
    filter,
    '-c',
    String(count),
    '-T',
    'fields',
    '-E',
    'separator=|',
    '-o',
    'ip.check_checksum:TRUE',
    ...fields.flatMap(field => ['-e', field]),
  )
  let output = ''
  let log = ''
  child.stdout!.on('data', chunk => {
    output += chunk
  })
  child.stderr!.on('data', chunk => {
    log += chunk
  })
  const ended = new Promise(resolve => child.once('exit', resolve))
  try {
    // It says "Capturing" shortly before its dumpcap does.
    await until(`tshark to start, which says: ${log}`, () => log.includes('Capturing on'), 20_000)
    await sleep(700)
    send()
    await Promise.race([ended, sleep(8000)])
  } finally {
    child.kill()
  }
  return output.trim().split('\n')
}

describe('tshark', () => {
  test('decodes our adverts as valid VRRPv3 with hop limit 255 and the class of control traffic', async () => {
    const lines = await seen(
      'ip proto 112 or ip6 proto 112',
      [
        'ip.src',
        'ip.dst',
        'ip.ttl',
        'ip.dsfield.dscp',
        'ip.checksum.status',
        'ipv6.src',
        'ipv6.dst',
        'ipv6.hlim',
        'ipv6.tclass.dscp',
        'vrrp.version',
        'vrrp.virt_rtr_id',
        'vrrp.prio',
        'vrrp.short_adver_int',
        'vrrp.checksum.status',
        'vrrp.ip_addr',
        'vrrp.ipv6_addr',
      ],
      2,
      () => {
        for (const [family, source, vip] of [
          [4, '10.9.0.11', '10.9.0.100'],
          [6, 'fe80::11', 'fe80::100'],
        ] as const) {
          const socket = net.a.enter(() =>
            openLan({ interface: 'eth0', family, kind: 'multicast', source: () => source }, () => {}),
          )
          closing.push(socket)
          const destination = vrrpGroup[family]
          const advert = { version: 3, vrid: 51, priority: 150, interval: 100, addresses: [vip] } as const
          expect(
            socket.lan.send(encodeAdvert(advert, { family, source, destination }, { pseudoHeader: true }), destination),
          ).toBeUndefined()
        }
      },
    )
    expect(lines).toEqual([
      '10.9.0.11|224.0.0.18|255|48|1|||||3|51|150|10|1|10.9.0.100|',
      '|||||fe80::11|ff02::12|255|48|3|51|150|10|1||fe80::100',
    ])
  })

  test('decodes our announcements as gratuitous ARP, request and reply, and as unsolicited neighbour advertisement', async () => {
    const mac = net.a.run('cat', '/sys/class/net/eth0/address').trim()
    const lines = await seen(
      'arp or (icmp6 and ip6[40] == 136)',
      [
        'eth.src',
        'eth.dst',
        'arp.opcode',
        'arp.isgratuitous',
        'arp.src.hw_mac',
        'arp.src.proto_ipv4',
        'arp.dst.proto_ipv4',
        'icmpv6.checksum.status',
        'icmpv6.nd.na.target_address',
        'icmpv6.nd.na.flag.o',
        'icmpv6.nd.na.flag.s',
        'icmpv6.nd.na.flag.r',
        'icmpv6.opt.linkaddr',
      ],
      3,
      () => {
        const announcer = net.a.enter(() => frameAnnouncer(links))
        closing.push(announcer)
        expect(
          announcer.announce([
            { address: '10.9.0.100', prefix: 32, interface: 'eth0' },
            { address: 'fd00:9::100', prefix: 128, interface: 'eth0' },
          ]),
        ).toBe(3)
      },
    )
    expect(lines).toEqual([
      `${mac}|ff:ff:ff:ff:ff:ff|1|1|${mac}|10.9.0.100|10.9.0.100||||||`,
      `${mac}|ff:ff:ff:ff:ff:ff|2|1|${mac}|10.9.0.100|10.9.0.100||||||`,
      `${mac}|33:33:00:00:00:01||||||1|fd00:9::100|1|0|0|${mac}`,
    ])
  })
})

describe('an announcement', () => {
  test('of an IPv6 VIP carries the router flag while the interface forwards', () => {
    const frames: Buffer[] = []
    const index = net.b.enter(() => libc.ifNametoindex('eth0'))
    const listener = net.b.enter(() =>
      listenFrames(index, 0x86dd, [{ code: bpf.answer, k: wholePacket }], frame => frames.push(Buffer.from(frame))),
    )
    const announcer = net.a.enter(() => frameAnnouncer(links))
    closing.push(listener, announcer)
    const vip = { address: 'fd00:9::100', prefix: 128, interface: 'eth0' }
    const announced = () => net.a.enter(() => announcer.announce([vip]))
    expect(announced()).toBe(1)
    net.a.enter(() => writeSysctl(interfaceSysctl('ipv6', 'eth0', 'forwarding'), '1'))
    expect(announced()).toBe(1)
    net.a.enter(() => writeSysctl(interfaceSysctl('ipv6', 'eth0', 'forwarding'), '0'))
    return until('both', () => {
      const flags = frames.flatMap(frame => decodeAdvertisement(frame) ?? []).map(({ router }) => router)
      return flags.length === 2 && flags
    }).then(flags => expect(flags).toEqual([false, true]))
  })

  test('that cannot leave is counted out and says why', async () => {
    const refused: string[] = []
    const announcer = net.a.enter(() =>
      frameAnnouncer(links, { onRefused: (vip, code) => refused.push(`${vip.interface} ${code}`) }),
    )
    closing.push(announcer)
    net.a.run('ip', 'link', 'add', 'off0', 'type', 'veth', 'peer', 'name', 'off1')
    await until('off0', () => links.byName('off0'))
    const vip = { address: '10.9.0.100', prefix: 32 }
    expect(
      announcer.announce([
        { ...vip, interface: 'nothere' },
        { ...vip, interface: 'off0' },
        { ...vip, interface: 'eth0' },
      ]),
    ).toBe(2)
    expect(refused).toEqual(['nothere ENODEV', 'off0 ENETDOWN', 'off0 ENETDOWN'])
    net.a.run('ip', 'link', 'del', 'off0')
  })

  test('moves the VIP in the neighbour table of a machine that knew another holder', async () => {
    net.b.run('ip', 'neigh', 'replace', '10.9.0.100', 'lladdr', '02:00:00:00:00:99', 'dev', 'eth0', 'nud', 'stale')
    net.b.run('ip', 'neigh', 'replace', 'fd00:9::100', 'lladdr', '02:00:00:00:00:99', 'dev', 'eth0', 'nud', 'stale')
    const announcer = net.a.enter(() => frameAnnouncer(links))
    closing.push(announcer)
    announcer.announce([
      { address: '10.9.0.100', prefix: 32, interface: 'eth0' },
      { address: 'fd00:9::100', prefix: 128, interface: 'eth0' },
    ])
    const mac = links.byName('eth0')!.mac
    await until(
      'the new MAC',
      () => net.b.run('ip', 'neigh').match(new RegExp(`(10.9.0.100|fd00:9::100) .*${mac}`, 'g'))?.length === 2,
    )
  })
})

describe('a conflict probe', () => {
  const probe = (address: string, timeout: number, more = {}): Promise<Conflict> =>
    net.a.enter(() => probeConflict(links, { interface: 'eth0', address, timeout, ...more }))

  test.each(['10.9.0.150', 'fd00:9::150'])('finds who holds %s, and nobody once it is gone', async address => {
    const holder = net.b.run('cat', '/sys/class/net/eth0/address').trim()
    const prefix = address.includes(':') ? 128 : 32
    net.b.run('ip', 'addr', 'add', `${address}/${prefix}`, 'dev', 'eth0', ...(prefix === 128 ? ['nodad'] : []))
    expect(await probe(address, 1000)).toEqual({ mac: holder })
    net.b.run('ip', 'addr', 'del', `${address}/${prefix}`, 'dev', 'eth0')
    const start = performance.now()
    expect(await probe(address, 200)).toEqual({ nobody: true })
    expect(performance.now() - start).toBeLessThan(400)
  })

  test('finds everybody who holds an address, where it is to wait for all', async () => {
    const holder = net.b.run('cat', '/sys/class/net/eth0/address').trim()
    net.b.run('ip', 'addr', 'add', '10.9.0.153/32', 'dev', 'eth0')
    net.b.run('ip', 'link', 'add', 'second', 'link', 'eth0', 'type', 'macvlan', 'mode', 'bridge')
    net.b.run('ip', 'link', 'set', 'second', 'up')
    const second = net.b.run('cat', '/sys/class/net/second/address').trim()
    const answer = await probe('10.9.0.153', 500, { everybody: true })
    net.b.run('ip', 'link', 'del', 'second')
    net.b.run('ip', 'addr', 'del', '10.9.0.153/32', 'dev', 'eth0')
    expect('mac' in answer && [answer.mac, ...(answer.others ?? [])].sort()).toEqual([holder, second].sort())
  })

  test('does not take our own holding for a conflict, nor leave a trace of a claim', async () => {
    net.a.run('ip', 'addr', 'add', '10.9.0.151/32', 'dev', 'eth0')
    expect(await probe('10.9.0.151', 200)).toEqual({ nobody: true })
    net.a.run('ip', 'addr', 'del', '10.9.0.151/32', 'dev', 'eth0')
    expect(net.b.run('ip', 'neigh')).not.toContain('10.9.0.151')
  })

  test('ends with its signal, and says why it could not ask', async () => {
    const start = performance.now()
    expect(await probe('10.9.0.152', 5000, { signal: AbortSignal.timeout(50) })).toEqual({ nobody: true })
    expect(performance.now() - start).toBeLessThan(1000)
    expect(await probe('10.9.0.152', 100, { interface: 'nothere' })).toEqual({ refused: 'ENODEV' })
  })
})
