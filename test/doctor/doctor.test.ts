import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../config/config.js'
import { loadConfig } from '../../config/load.js'
import { doctorFindings } from '../../src/doctor/doctor.js'
import type { Facts, Interface } from '../../src/doctor/facts.js'
import { formatReport, toReport } from '../../src/doctor/finding.js'
import { readOwnSettings } from '../../src/doctor/own-settings.js'

const eth0: Interface = {
  name: 'eth0',
  up: true,
  running: true,
  loopback: false,
  noArp: false,
  mtu: 1600,
  kind: '',
  networkd: false,
  addresses: [{ address: '10.9.0.11', prefix: 24, permanent: true, secondary: false }],
}
const lo: Interface = {
  ...eth0,
  name: 'lo',
  loopback: true,
  addresses: [{ address: '127.0.0.1', prefix: 8, permanent: true, secondary: false }],
}

/** A machine on which nothing is wrong. */
const healthy: Facts = {
  interfaces: [lo, eth0],
  routes: [{ family: 4, destination: 'default', via: '10.9.0.254', interface: 'eth0', table: 'main' }],
  sysctls: {
    'net.ipv4.ip_forward': '1',
    'net.ipv4.vs.expire_nodest_conn': '1',
    'net.ipv4.vs.expire_quiescent_template': '1',
    'net.ipv4.vs.sloppy_tcp': '1',
    'net.ipv4.vs.backup_only': '0',
    'net.ipv4.conf.all.rp_filter': '0',
    'net.ipv4.conf.eth0.rp_filter': '0',
    'net.ipv4.conf.all.send_redirects': '0',
    'net.ipv4.conf.eth0.send_redirects': '0',
    'net.ipv4.conf.eth0.promote_secondaries': '1',
    'net.ipv4.neigh.default.gc_thresh3': '1024',
  },
  modules: new Set(['ip_vs', 'ip_vs_wrr']),
  loadable: new Set(['ip_vs', 'ip_vs_wrr', 'ip_vs_mh']),
  ipvs: { tableSize: 65_536 },
  processes: new Set(['systemd', 'nginx']),
  listeners: [],
  neighbours: [],
  ways: { '10.9.0.21': { interface: 'eth0' } },
  firewall: { tool: 'none' },
  bridges: [],
  root: true,
  release: '6.1.0',
}

function pair(service = '', router = ''): Config {
  const text = `
directors: { d1: { address: 10.9.0.11, priority: 150 }, d2: { address: 10.9.0.12, priority: 100 } }
virtual_routers:
  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32] ${router} }
virtual_servers:
  web:
    address: 10.9.0.100:80
    scheduler: wrr
    forward: dr
    check: none
    real_servers: [{ address: 10.9.0.21 }]
${service}`
  const loaded = loadConfig(text, { file: '/x', hostname: 'd1', localAddresses: ['10.9.0.11'], env: {} })
  if (!loaded.ok) throw new Error(loaded.errors.map(({ message }) => message).join('\n'))
  return loaded.config
}

const dr = pair()
const nat = pair('', ', excluded_vips: [10.9.1.1/24]')
const natConfig: Config = {
  ...nat,
  services: nat.services.map(one => ({
    ...one,
    realServers: one.realServers.map(server => ({ ...server, address: '10.9.1.21', forward: 'nat' as const })),
  })),
}

const codes = (facts: Facts, config: Config | undefined = dr) => doctorFindings(facts, config).map(({ code }) => code)
const set = (name: string, value: string): Facts => ({ ...healthy, sysctls: { ...healthy.sysctls, [name]: value } })
const on = (change: Partial<Interface>): Facts => ({ ...healthy, interfaces: [lo, { ...eth0, ...change }] })

test('a machine on which nothing is wrong has no findings', () => {
  expect(doctorFindings(healthy, dr)).toEqual([])
  expect(doctorFindings(healthy, natConfig)).toEqual([])
  expect(doctorFindings(healthy, undefined)).toEqual([])
})

describe('IPVS', () => {
  test.each<[string, Facts, string[]]>([
    ['not loaded', { ...without('ipvs'), modules: new Set() }, ['ipvs-missing']],
    ['not in this kernel', { ...without('ipvs'), modules: new Set(), loadable: new Set(['ext4']) }, ['ipvs-missing']],
    ['loaded, but not in this namespace', without('ipvs'), ['ipvs-not-here']],
    [
      'a scheduler that this kernel lacks',
      { ...healthy, modules: new Set(['ip_vs']), loadable: new Set(['ip_vs']) },
      ['scheduler-missing'],
    ],
    ['a scheduler that can be loaded', { ...healthy, modules: new Set(['ip_vs']) }, []],
    ['connections to removed real servers hang', set('net.ipv4.vs.expire_nodest_conn', '0'), ['vs-expire-nodest-conn']],
    ['a connection table that is not there yet', { ...healthy, ipvs: { tableSize: 0 } }, []],
    ['a small connection table', { ...healthy, ipvs: { tableSize: 4096 } }, ['connection-table']],
  ])('%s', (_, facts, expected) => expect(codes(facts)).toEqual(expected))

  test('settings are asked for only where the file needs them', () => {
    const facts = {
      ...set('net.ipv4.vs.sloppy_tcp', '0'),
      sysctls: { ...healthy.sysctls, 'net.ipv4.vs.sloppy_tcp': '0', 'net.ipv4.vs.expire_quiescent_template': '0' },
    }
    expect(codes(facts)).toEqual([])
    expect(codes(facts, pair('    persistence: 5m\n'))).toEqual(['vs-expire-quiescent-template'])
    expect(
      codes(
        { ...facts, modules: new Set(['ip_vs', 'ip_vs_mh']) },
        pair('').services[0]
          ? {
              ...dr,
              services: dr.services.map(one => ({ ...one, settings: { ...one.settings, scheduler: 'mh' as const } })),
            }
          : dr,
      ),
    ).toEqual(['vs-sloppy-tcp'])
  })
})

describe('interfaces and addresses', () => {
  test.each<[string, Facts, string[]]>([
    [
      'an interface that is not there',
      { ...healthy, interfaces: [lo, { ...eth0, name: 'ens3' }] },
      ['interface-missing'],
    ],
    ['an interface that is down', on({ up: false }), ['interface-down']],
    ['a cable that is out', on({ running: false }), ['no-carrier']],
    ['an own address that is not here', on({ addresses: [] }), ['own-address-missing']],
    [
      'a VIP from the network configuration',
      on({ addresses: [...eth0.addresses, { address: '10.9.0.100', prefix: 24, permanent: true, secondary: true }] }),
      ['static-vip'],
    ],
    [
      'a VIP that somebody renews',
      on({ addresses: [...eth0.addresses, { address: '10.9.0.100', prefix: 32, permanent: false, secondary: false }] }),
      [],
    ],
    [
      'a bridge that snoops without a querier',
      { ...on({ master: 'br0' }), bridges: [{ name: 'br0', snooping: true, querier: false }] },
      ['multicast-snooping'],
    ],
    [
      'a bridge with a querier',
      { ...on({ master: 'br0' }), bridges: [{ name: 'br0', snooping: true, querier: true }] },
      [],
    ],
    ['systemd-networkd', on({ networkd: true }), ['networkd']],
  ])('%s', (_, facts, expected) => expect(codes(facts)).toEqual(expected))

  test('short prefixes need promotion of secondaries', () => {
    const facts = set('net.ipv4.conf.eth0.promote_secondaries', '0')
    expect(codes(facts)).toEqual([])
    expect(codes(facts, pair('', ', excluded_vips: [10.9.0.101/24]'))).toEqual(['promote-secondaries'])
  })
})

describe('the way of the packets', () => {
  test('nat needs forwarding and no redirects; dr does not', () => {
    const facts = {
      ...healthy,
      sysctls: { ...healthy.sysctls, 'net.ipv4.ip_forward': '0', 'net.ipv4.conf.all.send_redirects': '1' },
    }
    expect(codes(facts)).toEqual([])
    expect(codes(facts, natConfig)).toEqual(['ip-forward', 'send-redirects'])
  })

  test('a strict reverse path filter hurts where there are two interfaces; the larger of all and own holds', () => {
    const two = [lo, eth0, { ...eth0, name: 'eth1', addresses: [{ ...eth0.addresses[0]!, address: '10.9.1.11' }] }]
    expect(codes(set('net.ipv4.conf.all.rp_filter', '1'))).toEqual([])
    expect(codes({ ...set('net.ipv4.conf.all.rp_filter', '1'), interfaces: two })).toEqual(['rp-filter', 'rp-filter'])
    const loose = { ...set('net.ipv4.conf.all.rp_filter', '1'), interfaces: two }
    expect(
      codes({
        ...loose,
        sysctls: { ...loose.sysctls, 'net.ipv4.conf.eth0.rp_filter': '2', 'net.ipv4.conf.eth1.rp_filter': '2' },
      }),
    ).toEqual([])
  })

  test('a dr real server behind a gateway, without a route, or silent', () => {
    expect(codes({ ...healthy, ways: { '10.9.0.21': { interface: 'eth0', via: '10.9.0.254' } } })).toEqual([
      'dr-behind-gateway',
    ])
    expect(codes({ ...healthy, ways: { '10.9.0.21': { error: 'no route' } } })).toEqual(['no-route'])
    expect(codes({ ...healthy, neighbours: [{ address: '10.9.0.21', interface: 'eth0', state: 'FAILED' }] })).toEqual([
      'neighbour-failed',
    ])
  })

  test('the VIP and a nat real server in one network', () => {
    const config = pair('', '')
    const near: Config = {
      ...config,
      routers: config.routers.map(router => ({
        ...router,
        vips: [{ address: '10.9.0.100', prefix: 24, interface: 'eth0' }],
      })),
      services: config.services.map(one => ({
        ...one,
        realServers: one.realServers.map(server => ({ ...server, forward: 'nat' as const })),
      })),
    }
    expect(codes(healthy, near)).toEqual(['nat-same-network'])
  })
})

describe('the machine', () => {
  test.each<[string, Facts, string[]]>([
    ['keepalived running', { ...healthy, processes: new Set(['keepalived']) }, ['rival']],
    [
      'kube-proxy balancing',
      { ...healthy, interfaces: [lo, eth0, { ...eth0, name: 'kube-ipvs0', addresses: [] }] },
      ['foreign-ipvs'],
    ],
    [
      'a firewall that drops adverts',
      { ...healthy, firewall: { tool: 'nft', rules: 'chain input { policy drop; tcp dport 22 accept }' } },
      ['firewall-vrrp'],
    ],
    [
      'a firewall that lets them in',
      { ...healthy, firewall: { tool: 'nft', rules: 'chain input { policy drop; ip protocol vrrp accept }' } },
      [],
    ],
    [
      'an iptables firewall',
      { ...healthy, firewall: { tool: 'iptables', rules: ':INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT' } },
      ['firewall-vrrp'],
    ],
    ['a full connection tracking table', { ...healthy, conntrack: { count: 90, max: 100 } }, ['conntrack-full']],
    ['half a processor', { ...healthy, cpuQuota: 0.5 }, ['cpu-quota']],
    ['an ordinary user', { ...healthy, root: false }, ['not-root']],
  ])('%s', (_, facts, expected) => expect(codes(facts)).toEqual(expected))

  test('more real servers than the neighbour table holds', () => {
    const facts = set('net.ipv4.neigh.default.gc_thresh3', '1')
    const [found] = doctorFindings(facts, dr)
    expect(found).toMatchObject({
      code: 'neighbour-table',
      fix: [
        'sysctl -w net.ipv4.neigh.default.gc_thresh3=4',
        'sysctl -w net.ipv4.neigh.default.gc_thresh2=2',
        'sysctl -w net.ipv4.neigh.default.gc_thresh1=1',
      ],
    })
  })
})

test('the report puts problems first and says what to type', () => {
  const report = toReport(doctorFindings({ ...on({ up: false }), cpuQuota: 0.5, root: false }, dr))
  expect(formatReport(report)).toBe(
    `problem: web: eth0 is down. [interface-down]
    ip link set eth0 up
warning: The control group may use 50 % of one processor: when it is throttled, adverts are late and the other director takes over. [cpu-quota]
note: Not root: some of what doctor looks at is hidden (firewall, settings of IPVS). [not-root]
    sudo lvskeeper doctor
1 problem, 1 warning
`,
  )
})

function without(key: 'ipvs'): Facts {
  const { [key]: _, ...rest } = healthy
  return rest
}

test('a key of the peers that is missing, empty or open to everybody is found', () => {
  const keyed: Config = { ...dr, peerKeyFile: '/etc/lvskeeper/peer.key' }
  const found = (peerKey: Facts['peerKey']) =>
    doctorFindings({ ...healthy, ...(peerKey ? { peerKey } : {}) }, keyed)
      .filter(({ code }) => code.startsWith('peer-key'))
      .map(({ level, code, fix }) => [level, code, fix[0]])
  const make = 'head -c 32 /dev/urandom | base64 > /etc/lvskeeper/peer.key; chmod 600 /etc/lvskeeper/peer.key'
  expect(found({ keys: 1, mode: 0o600 })).toEqual([])
  expect(found({ keys: 1, mode: 0o640 })).toEqual([])
  expect(found({ keys: 1, mode: 0o644 })).toEqual([['warning', 'peer-key-open', 'chmod 600 /etc/lvskeeper/peer.key']])
  expect(found({ keys: 0, mode: 0o600 })).toEqual([['problem', 'peer-key', make]])
  expect(found({ failure: 'no such file or folder' })).toEqual([['problem', 'peer-key', make]])
})

describe('settings that lvskeeper has changed', () => {
  const name = 'net.ipv4.conf.eth0.arp_ignore'
  const changed = { name, previous: '0', value: '1' }
  const told = (now?: string) =>
    doctorFindings({ ...healthy, ownSettings: [now === undefined ? changed : { ...changed, now }] }, dr)

  test('are shown with what they were', () => {
    expect(told('1')).toMatchObject([
      { level: 'note', code: 'own-settings', text: expect.stringContaining(`${name}=1 (was 0)`) },
    ])
  })

  test('are a warning, with the command, once somebody has changed them again', () => {
    expect(told('0')).toMatchObject([{ level: 'warning', code: 'own-setting-changed', fix: [`sysctl -w ${name}=1`] }])
  })

  test('are left out when their interface is gone', () => {
    expect(told()).toEqual([])
  })

  test('are read from the journals of the run folder; without any there is nothing to say', () => {
    const run = mkdtempSync(join(tmpdir(), 'doctor-'))
    try {
      expect(readOwnSettings(run)).toEqual([])
      const ours = { name: 'net.ipv4.ip_default_ttl', previous: '63', value: '64' }
      writeFileSync(
        join(run, 'sysctl.json'),
        JSON.stringify([ours, { ...changed, name: 'net.ipv4.conf.none0.arp_ignore' }]),
      )
      expect(readOwnSettings(run)).toMatchObject([{ ...ours, now: expect.stringMatching(/^\d+$/) }, { previous: '0' }])
      expect(readOwnSettings(run)[1]).not.toHaveProperty('now')
    } finally {
      rmSync(run, { recursive: true })
    }
  })
})
