import { describe, expect, test } from 'vitest'
import { good, load, problems } from './load.js'

const directors = `directors:
  d1: { address: [10.9.0.11, 'fd00:9::11'], priority: 150 }
  d2: { address: [10.9.0.12, 'fd00:9::12'], interfaces: { eth0: ens3, eth1: ens4 } }
`
const d2 = { hostname: 'd2', localAddresses: ['10.9.0.12'] }

function router(words: string, more = {}) {
  const [first] = good(
    `${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0, ${words} }\n`,
    {},
    more,
  ).routers
  if (first === undefined) throw new Error('no router')
  return first
}

function service(words: string, rest = '') {
  const [first] = good(`${directors}virtual_servers:\n  web: { ${words} }\n${rest}`).services
  if (first === undefined) throw new Error('no service')
  return first
}

describe('this director', () => {
  test('is the one that --node names', () => {
    expect(good(directors, {}, { node: 'd2', localAddresses: ['10.9.0.12'] }).node.name).toBe('d2')
  })
  test('else the one of the host name, with or without its domain', () => {
    expect(good(directors, {}, { ...d2, hostname: 'd2.example.org' }).node.name).toBe('d2')
  })
  test('else the one whose address is here', () => {
    expect(good(directors, {}, { hostname: 'lb', localAddresses: ['fd00:9::12'] }).node.name).toBe('d2')
  })
  test('is the one whose address is here, although the host is called like another', () => {
    expect(good(directors, {}, { hostname: 'd1', localAddresses: ['10.9.0.12'] }).node.name).toBe('d2')
  })
  test('need not be here to look at a file', () => {
    const config = good(directors, {}, { hostname: 'laptop', localAddresses: ['192.0.2.1'] })
    expect([config.static, config.node.name]).toEqual([true, 'd1'])
  })
  test('sees what is wrong for another director too', () => {
    const text = `${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0, transport: unicast, vips: [10.9.0.100/32], priorities: { d2: 255 } }\n`
    expect(problems(text.replace('10.9.0.100', '10.9.0.12').replace('d2: 255', 'd2: 150'))).toEqual([
      '5:64: 10.9.0.12 is the own address of director d2 [vip-is-director] | a VIP is an address that no machine has of its own; an owner has priority 255',
      'warning 5:79: d1 and d2 have the same priority 150 in web: the higher address decides [equal-priority]',
    ])
  })
})

describe('a virtual router', () => {
  test('has every default filled in', () => {
    expect(router('vips: [10.9.0.100/32]')).toEqual({
      name: 'web',
      vrid: 51,
      interface: 'eth0',
      family: 4,
      version: 3,
      advertInterval: 1000,
      priority: 150,
      preempt: { mode: 'always' },
      transport: 'multicast',
      peers: [{ address: '10.9.0.12' }],
      vips: [{ address: '10.9.0.100', prefix: 32, interface: 'eth0' }],
      excludedVips: [],
      profile: 'keepalived',
      garp: {
        repeat: 5,
        delay: 5000,
        refresh: 60_000,
        refreshRepeat: 1,
        lowerPriorityRepeat: 5,
        lowerPriorityDelay: 5000,
      },
      track: { ownInterface: true, interfaces: [], scripts: [], files: [], processes: [], virtualServers: [] },
      director: 'd1',
      directors: [
        { name: 'd1', addresses: ['10.9.0.11', 'fd00:9::11'], priority: 150 },
        { name: 'd2', addresses: ['10.9.0.12', 'fd00:9::12'], priority: 100 },
      ],
      routes: [],
      rules: [],
      restartInterval: 1000,
    })
  })

  test('has the names of interfaces and the priority of the director that reads it', () => {
    const words =
      'vips: [10.9.0.100/24, { address: 10.9.1.1/24, interface: eth1 }], track: { interfaces: [eth1] }, routes: [{ destination: default, via: 10.9.0.1, interface: eth0 }]'
    const { interface: own, vips, track, routes, priority, peers } = router(words, d2)
    expect({ own, vips, tracked: track.interfaces[0]?.source, routes, priority, peers }).toEqual({
      own: 'ens3',
      vips: [
        { address: '10.9.0.100', prefix: 24, interface: 'ens3' },
        { address: '10.9.1.1', prefix: 24, interface: 'ens4' },
      ],
      tracked: 'interface ens4',
      routes: [{ destination: '0.0.0.0/0', via: '10.9.0.1', interface: 'ens3' }],
      priority: 100,
      peers: [{ address: '10.9.0.11' }],
    })
  })

  test('takes its own priorities before those of the directors', () => {
    expect(router('vips: [10.9.0.100/32], priorities: { d1: 50 }').directors.map(({ priority }) => priority)).toEqual([
      50, 100,
    ])
  })

  test('speaks the family of its VIPs, to peers of that family', () => {
    const { family, peers } = router("vips: ['fd00:9:0::100'], transport: unicast, min_ttl: 254")
    expect({ family, peers }).toEqual({ family: 6, peers: [{ address: 'fd00:9::12', minTtl: 254 }] })
  })

  test('puts its VIPs on its macvlan', () => {
    const { virtualMac, vips } = router('vips: [10.9.0.100/32], virtual_mac: true')
    expect({ virtualMac, on: vips[0]?.interface }).toEqual({
      virtualMac: { interface: 'vrrp.51', transmitOnParent: false },
      on: 'vrrp.51',
    })
  })

  test('sends unicast adverts from the interface below its macvlan, where the others’ come in', () => {
    const { virtualMac } = router('vips: [10.9.0.100/32], virtual_mac: true, transport: unicast')
    expect(virtualMac).toEqual({ interface: 'vrrp.51', transmitOnParent: true })
  })

  test('tracks what has weights as what has none', () => {
    const text = `${directors}virtual_routers:
  web:
    vrid: 51
    interface: eth0
    vips: [10.9.0.100/32]
    track:
      interfaces: { eth1: { debounce: 500ms } }
      scripts: { uplink: { weight: -60, reverse: true, on_unknown: fail } }
      gateway: { address: 10.9.0.1, weight: -20 }
scripts:
  uplink: { argv: [/bin/true], user: '65534' }
`
    const { routers, tracking } = good(text)
    const fault = { weight: 0, reverse: false, onUnknown: 'keep' }
    expect(routers[0]?.track).toEqual({
      ownInterface: true,
      interfaces: [{ source: 'interface eth1', ...fault, debounce: 500 }],
      scripts: [{ source: 'script uplink', weight: -60, reverse: true, onUnknown: 'fail' }],
      files: [],
      processes: [],
      virtualServers: [],
      gateway: { source: 'gateway 10.9.0.1', ...fault, weight: -20 },
    })
    expect(tracking.scripts[0]).toMatchObject({
      source: 'script uplink',
      check: {
        probe: { kind: 'exec', argv: ['/bin/true'], uid: 65_534 },
        interval: 1000,
        timeout: 1000,
        rise: 1,
        fall: 1,
      },
    })
    expect(tracking.gateways[0]).toMatchObject({
      source: 'gateway 10.9.0.1',
      check: { probe: { kind: 'arp', interface: 'eth0' } },
    })
  })

  test('asks a witness as often as it says, and forgets it when all attempts of that time have failed', () => {
    const text = `${directors}virtual_routers:
  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32], witness: { address: 10.9.0.1, by: tcp, port: 179, interval: 300ms, within: 1s } }
  two: { vrid: 52, interface: eth1, vips: [10.9.0.101/32], witness: { address: 10.9.0.2 } }
`
    const { routers, tracking } = good(text)
    expect(routers.map(({ witness }) => witness)).toEqual(['witness 10.9.0.1', 'witness 10.9.0.2'])
    expect(tracking.gateways).toMatchObject([
      {
        source: 'witness 10.9.0.1',
        address: '10.9.0.1',
        port: 179,
        check: { probe: { kind: 'tcp' }, rise: 1, fall: 4 },
      },
      { source: 'witness 10.9.0.2', check: { probe: { kind: 'arp', interface: 'eth1' }, interval: 1000, fall: 5 } },
    ])
  })

  test('loads the keys of its authentication', () => {
    const text = `${directors}virtual_routers:
  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32], authentication: { hmac: { keys: { 1: /etc/k1, 2: /etc/k2 }, active_key: 2 } } }
`
    const key = 'ab'.repeat(32)
    const { routers } = good(text, { '/etc/k1': `${'k'.repeat(40)}\n`, '/etc/k2': `hex:${key}\n` })
    expect(routers[0]?.authentication).toEqual({
      type: 'hmac',
      keys: [
        { id: 1, key: new Uint8Array(Buffer.from('k'.repeat(40))) },
        { id: 2, key: new Uint8Array(Buffer.from(key, 'hex')) },
      ],
      activeKey: 2,
      window: 5000,
      mode: 'enforce',
    })
  })
})

describe('a virtual server', () => {
  test('has every default filled in', () => {
    expect(
      service("address: '10.9.0.100:80', forward: dr, check: { tcp: {} }, real_servers: [10.9.0.21]"),
    ).toMatchObject({
      name: 'web',
      ids: [{ protocol: 'tcp', address: '10.9.0.100', port: 80 }],
      settings: { scheduler: 'wlc', flags: [], onePacket: false },
      start: 'check',
      onDown: 'remove',
      quorum: 1,
      hysteresis: 0,
      slowStart: 0,
      tierMinimum: 1,
      realServers: [
        {
          address: '10.9.0.21',
          port: 80,
          weight: 1,
          forward: 'dr',
          upper: 0,
          lower: 0,
          tier: 1,
          require: 'all',
          checks: [
            {
              name: 'tcp',
              probe: { kind: 'tcp', steps: [] },
              interval: 2000,
              fastInterval: 200,
              downInterval: 2000,
              timeout: 1000,
              rise: 2,
              fall: 3,
              jitter: 0.05,
              severity: 'fail',
              watch: { enabled: true, final: true },
            },
          ],
        },
      ],
      sources: [],
    })
  })

  test('stands for every address, port and protocol of its ranges', () => {
    const { ids, realServers } = service(
      "address: ['10.9.0.100-101', '[fd00:9::a-b]'], ports: [53, 5300-5301], protocol: [udp, tcp], forward: tun, check: none, real_servers: [10.9.0.21-22]",
    )
    expect(ids.length).toBe(4 * 3 * 2)
    expect(ids[0]).toEqual({ protocol: 'udp', address: '10.9.0.100', port: 53 })
    expect(ids.at(-1)).toEqual({ protocol: 'tcp', address: 'fd00:9::b', port: 5301 })
    expect(realServers.map(({ address, port }) => [address, port])).toEqual([
      ['10.9.0.21', 0],
      ['10.9.0.22', 0],
    ])
  })

  test('sends the checks of several ports to the first, unless they say another', () => {
    const { realServers } = service(
      'address: 10.9.0.100, ports: [80, 443], forward: dr, checks: [{ tcp: {} }, { tcp: {}, port: 8080 }, { icmp: {} }], real_servers: [10.9.0.21]',
    )
    expect(realServers[0]?.checks.map(({ port }) => port)).toEqual([80, 8080, undefined])
  })

  test('has the family of its real servers where it has a mark', () => {
    expect(service("mark: [7, 8], forward: nat, check: none, real_servers: ['fd00:9::21']").ids).toEqual([
      { mark: 7, family: 6 },
      { mark: 8, family: 6 },
    ])
  })

  test('counts persistence in seconds and netmasks in bits of its family', () => {
    const words = 'forward: dr, check: none, real_servers: [10.9.0.21]'
    expect(service(`address: '10.9.0.100:0', persistence: 5m, ${words}`).settings.persistence).toEqual({
      timeout: 300,
      granularity: 32,
    })
    const six =
      "address: '[fd00:9::100]:0', persistence: { timeout: 1h, netmask: 64 }, forward: dr, check: none, real_servers: ['fd00:9::21']"
    expect(service(six).settings.persistence).toEqual({ timeout: 3600, granularity: 64 })
  })

  test('gives its real servers what they do not say themselves', () => {
    const { realServers } = service(
      "address: '10.9.0.100:80', forward: nat, port: 8080, weight: 3, check: { tcp: {} }, real_servers: [10.9.1.21, { address: '10.9.1.22:81', weight: 0, forward: dr, check: { icmp: {} } }]".replace(
        ', forward: dr',
        '',
      ),
    )
    expect(realServers.map(({ port, weight, checks }) => [port, weight, checks[0]?.name])).toEqual([
      [8080, 3, 'tcp'],
      [81, 0, 'icmp'],
    ])
  })

  test('shares one check among all that name it', () => {
    const { realServers } = service(
      "address: '10.9.0.100:80', forward: dr, check: page, real_servers: [10.9.0.21, 10.9.0.22]",
      'checks:\n  page: { http: {} }\n',
    )
    expect(realServers[0]?.checks).toBe(realServers[1]?.checks)
  })

  test('has its clients’ way asked through each real server by a mark of its own, the same in every run', () => {
    const words =
      "address: '10.9.0.100:80', forward: dr, check: { tcp: {}, client_path: true }, real_servers: [10.9.0.21, 10.9.0.22]"
    const probes = service(words).realServers.map(({ checks }) => checks[0]?.probe)
    expect(probes[0]).toMatchObject({
      kind: 'client-path',
      vip: '10.9.0.100',
      vport: 80,
      inner: { kind: 'tcp' },
      from: 'peers',
    })
    const marks = probes.map(probe => (probe?.kind === 'client-path' ? probe.mark : 0))
    expect(new Set(marks).size).toBe(2)
    expect(marks.every(mark => mark >>> 20 === 0x4c5)).toBe(true)
    const again = service(words).realServers.map(({ checks }) => checks[0]?.probe)
    expect(again).toEqual(probes)
  })

  test('looks real servers up where it is told to', () => {
    const { sources, realServers } = service(
      "address: '[fd00:9::100]:80', forward: dr, check: { tcp: {} }, real_servers: [{ dns: app.example.org }, { file: /etc/targets.json, refresh: 5s, weight: 2 }]",
    )
    expect(realServers).toEqual([])
    expect(sources).toMatchObject([
      { kind: 'dns', name: 'app.example.org', record: 'AAAA', port: 80, refresh: 30_000, weight: 1 },
      { kind: 'file', path: '/etc/targets.json', port: 80, refresh: 5000, weight: 2 },
    ])
  })

  test('is served by a sorry server in its own way', () => {
    const { sorryServer } = service(
      "address: '10.9.0.100:80', forward: dr, check: none, real_servers: [10.9.0.21], sorry_server: { address: '10.9.1.90:8080', forward: nat, inhibit: true }",
    )
    expect(sorryServer).toEqual({ address: '10.9.1.90', port: 8080, forward: 'nat', inhibit: true })
  })
})

describe('checks', () => {
  function probe(words: string, files = {}) {
    const text = `${directors}virtual_servers:\n  web: { address: '10.9.0.100:80', forward: dr, real_servers: [10.9.0.21], check: { ${words} } }\n`
    return good(text, files).services[0]?.realServers[0]?.checks[0]
  }

  test('carry their secrets', () => {
    const files = { '/etc/pw': 'secret\n', '/etc/ca.pem': 'PEM\n', '/etc/passwd': 'root:x:0:0\ncheck:x:993:991\n' }
    expect(probe('redis: { password_file: /etc/pw, tls: { ca_file: /etc/ca.pem } }', files)?.probe).toEqual({
      kind: 'redis',
      password: 'secret',
      tls: { verify: 'full', warnDays: 14, failDays: 0, ca: 'PEM' },
    })
    expect(probe('exec: { argv: [/bin/true], user: check }', files)?.probe).toEqual({
      kind: 'exec',
      argv: ['/bin/true'],
      exit: 'plain',
      uid: 993,
      gid: 991,
    })
  })

  test('run programs with the group of their user, unless another is named', () => {
    const files = { '/etc/passwd': 'root:x:0:0\ncheck:x:993:991\n', '/etc/group': 'disk:x:6:\n' }
    const ids = (who: string) => probe(`exec: { argv: [/bin/true], ${who} }`, files)?.probe
    expect(ids('user: check, group: disk')).toMatchObject({ uid: 993, gid: 6 })
    expect(ids('user: "993"')).toMatchObject({ uid: 993, gid: 991 })
    expect(ids('user: "1234"')).toMatchObject({ uid: 1234, gid: 1234 })
    expect(ids('group: disk')).not.toHaveProperty('uid')
    expect(ids('cwd: /')).not.toHaveProperty('gid')
  })

  test('speak TLS with the name of the host they ask for', () => {
    expect(probe('https: { host: "www.example.org:8443" }')?.probe).toMatchObject({
      kind: 'http',
      host: 'www.example.org:8443',
      tls: { sni: 'www.example.org', verify: 'full' },
    })
    expect(probe('https: { host: 10.9.0.21 }')?.probe).not.toHaveProperty('tls.sni')
  })

  test('turn send and expect into steps', () => {
    expect(probe('tcp: { send: "PING\\r\\n", expect: { regex: \'^\\+PONG\', flags: i } }')?.probe).toEqual({
      kind: 'tcp',
      steps: [{ send: { text: 'PING\r\n' } }, { expect: { regex: '^\\+PONG', flags: 'i' } }],
    })
  })

  test('have the same key when they ask the same, whatever they are called', () => {
    const text = `${directors}checks:
  one: { http: { path: / } }
  two: { http: {} }
  three: { http: { path: /x } }
virtual_servers:
  web: { address: '10.9.0.100:80', forward: dr, checks: [one, two, three], real_servers: [10.9.0.21] }
`
    const keys = good(text).services[0]?.realServers[0]?.checks.map(({ key }) => key) ?? []
    expect([keys[0] === keys[1], keys[0] === keys[2]]).toEqual([true, false])
  })

  test('watch where it is cheap, and where it is asked for', () => {
    expect(
      [probe('tcp: {}'), probe('mysql: {}'), probe('mysql: {}, watch: true'), probe('http: {}, watch: false')].map(
        one => one?.watch,
      ),
    ).toEqual([
      { enabled: true, final: true },
      { enabled: false, final: true },
      { enabled: true, final: true },
      { enabled: false, final: true },
    ])
  })
})

describe('the rest of the file', () => {
  test('has every default filled in', () => {
    const { routers: _, services: __, hash, ...rest } = good(directors)
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(rest).toEqual({
      files: ['/etc/lvskeeper/lvskeeper.yaml'],
      node: { name: 'd1', addresses: ['10.9.0.11', 'fd00:9::11'], priority: 150, interfaces: {} },
      static: false,
      directors: [
        { name: 'd1', addresses: ['10.9.0.11', 'fd00:9::11'], priority: 150, interfaces: {} },
        {
          name: 'd2',
          addresses: ['10.9.0.12', 'fd00:9::12'],
          priority: 100,
          interfaces: { eth0: 'ens3', eth1: 'ens4' },
        },
      ],
      tracking: { scripts: [], files: [], processes: [], gateways: [], virtualServers: [] },
      alerts: [],
      twoBox: false,
      peerPort: 9432,
      onStop: 'keep',
      drift: 'repair',
      massFailureGuard: { hold: 30_000, weight: 0 },
      checkLimits: { inFlight: 512, programs: 16, watchShare: 0.25 },
      overrideLimit: 86_400_000,
      api: { group: 'lvskeeper' },
      sysctls: {},
      eventsMaxSize: 16 * 1024 ** 2,
      logLevel: 'info',
    })
  })

  test('names alerts by what they are', () => {
    const text = `${directors}alerts:
  - { webhook: { url: 'https://a.example/', secret_file: /etc/key }, events: server.*, group: 30s }
  - { exec: { argv: [/bin/true] } }
  - { webhook: { url: 'https://b.example/' } }
`
    expect(good(text).alerts).toEqual([
      {
        name: 'webhook-1',
        webhook: { url: 'https://a.example/', secretFile: '/etc/key' },
        events: ['server.*'],
        group: 30_000,
      },
      { name: 'exec-1', exec: { argv: ['/bin/true'] } },
      { name: 'webhook-2', webhook: { url: 'https://b.example/' } },
    ])
  })

  test('counts kernel timeouts in seconds, and leaves alone what is not given', () => {
    expect(good(`${directors}timeouts: { tcp: 15m }\n`).timeouts).toEqual({ tcp: 900, tcpFin: 0, udp: 0 })
  })

  test('recognises a pair of directors that are their own real servers', () => {
    const text = `${directors}virtual_servers:\n  web: { address: '10.9.0.100:80', forward: dr, check: none, real_servers: [10.9.0.12] }\n`
    expect(good(text).twoBox).toBe(true)
  })

  test('is frozen to its leaves', () => {
    const config = good(`${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32] }\n`)
    expect([config, config.routers, config.routers[0], config.routers[0]?.vips[0]].every(Object.isFrozen)).toBe(true)
  })
})

test('every virtual router and virtual server is known by its line', () => {
  const main = `${directors}include: a.yaml\nvirtual_routers:\n  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32] }\n`
  const loaded = load(main, {
    '/etc/lvskeeper/a.yaml':
      "virtual_servers:\n  web: { address: '10.9.0.100:80', forward: dr, check: none, real_servers: [10.9.0.21] }\n",
  })
  expect(loaded.ok && loaded.lines).toEqual({
    'virtual_routers.web': '/etc/lvskeeper/lvskeeper.yaml:6',
    'virtual_servers.web': '/etc/lvskeeper/a.yaml:2',
  })
})

describe('the hash', () => {
  const text = `${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32] }\n`
  const hash = (content: string, files = {}, more = {}) => good(content, files, more).hash

  test('is the same on every director', () => expect(hash(text, {}, d2)).toBe(hash(text)))
  test('is the same whatever the order of keys, the comments and the split into files', () => {
    const other = `# comment\nvirtual_routers:\n  web: { interface: eth0, vrid: 51, vips: [ 10.9.0.100/32 ] }\ninclude: d.yaml\n`
    expect(hash(other, { '/etc/lvskeeper/d.yaml': directors })).toBe(hash(text))
  })
  test('changes with every value', () => expect(hash(text.replace('51', '52'))).not.toBe(hash(text)))
})

describe('files and variables', () => {
  test('included files add to what has names and to lists', () => {
    const main = `${directors}include: [conf.d/*.yaml]\nalerts: [{ exec: { argv: [/bin/one] } }]\n`
    const config = good(main, {
      '/etc/lvskeeper/conf.d/b.yaml': 'alerts: [{ exec: { argv: [/bin/two] } }]\n',
      '/etc/lvskeeper/conf.d/a.yaml': 'virtual_routers:\n  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32] }\n',
      '/etc/lvskeeper/conf.d/.hidden.yaml': 'nonsense: true\n',
      '/etc/lvskeeper/conf.d/c.yml': 'nonsense: true\n',
    })
    expect(config.routers.map(({ name }) => name)).toEqual(['web'])
    expect(config.alerts.map(({ exec }) => exec?.argv[0])).toEqual(['/bin/one', '/bin/two'])
    expect(config.files).toEqual([
      '/etc/lvskeeper/lvskeeper.yaml',
      '/etc/lvskeeper/conf.d/a.yaml',
      '/etc/lvskeeper/conf.d/b.yaml',
    ])
  })

  test('a problem in an included file is told with that file and its line', () => {
    const files = { '/etc/lvskeeper/a.yaml': '\n\nalerts:\n  - { exec: { argv: [true] } }\n' }
    expect(problems(`${directors}include: a.yaml\n`, files)).toEqual([
      '/etc/lvskeeper/a.yaml:4:22: argv: expected an argument, found true [bad-text]',
    ])
  })

  test('variables are put in where they stand; a bare one may be a number', () => {
    const text = `${directors}peer_port: \${env:PORT}\npeer_key_file: /etc/\${env:NAME:-peer}.key\n`
    const { peerPort, peerKeyFile } = good(text, {}, { env: { PORT: '9999' } })
    expect({ peerPort, peerKeyFile }).toEqual({ peerPort: 9999, peerKeyFile: '/etc/peer.key' })
  })

  test('a quoted variable stays text, and $$ escapes', () => {
    const text = `${directors}scripts:\n  a: { argv: [/bin/echo, "\${env:N}", '$\${env:N}'] }\nvirtual_routers:\n  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32], track: { scripts: [a] } }\n`
    const [script] = good(text, {}, { env: { N: '5' } }).tracking.scripts
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the file's own syntax
    expect(script?.check.probe).toMatchObject({ argv: ['/bin/echo', '5', '${env:N}'] })
  })

  test('anchors, aliases and merges work, what is written wins', () => {
    const text = `x-pool: &pool { forward: dr, check: none, real_servers: [10.9.0.21], weight: 5 }
${directors}virtual_servers:
  web: { <<: *pool, address: '10.9.0.100:80', weight: 7 }
`
    expect(good(text).services[0]?.realServers[0]).toMatchObject({ address: '10.9.0.21', weight: 7, forward: 'dr' })
  })

  test('defaults fill in what entries do not say, and never both of two ways to say it', () => {
    const text = `${directors}defaults:
  virtual_servers: { forward: dr, check: page }
  real_servers: { weight: 9 }
  checks: { interval: 5s }
checks:
  page: { http: {} }
  fast: { tcp: {}, interval: 1s }
virtual_servers:
  one: { address: '10.9.0.100:80', real_servers: [10.9.0.21] }
  two: { address: '10.9.0.101:80', checks: [fast, { icmp: {} }], real_servers: [{ address: 10.9.0.21, weight: 1 }] }
`
    const [one, two] = good(text).services
    expect(one?.realServers[0]).toMatchObject({ weight: 9, forward: 'dr', checks: [{ name: 'page', interval: 5000 }] })
    expect(two?.realServers[0]).toMatchObject({
      weight: 1,
      forward: 'dr',
      checks: [
        { name: 'fast', interval: 1000 },
        { name: 'icmp', interval: 5000 },
      ],
    })
  })
})

test('whatever the text, there is an answer and no exception', () => {
  const texts = [
    '\0',
    '&',
    '*',
    '{',
    '}',
    '- -',
    '? ',
    '!!js/function x',
    '%YAML 9.9\n---\na: 1',
    'a: !!binary x',
    '"',
    "'",
    '|',
    '>',
    '<<: 1',
    '[]: 1',
    '{}',
    '~',
    '0',
    'true',
    '\u{1F600}: 1',
    'a: &a\n  <<: *a\n',
    'directors: [[[]]]',
    'directors: { constructor: 1, toString: { address: 1 } }',
    'virtual_servers: { hasOwnProperty: {} }',
  ]
  for (const text of texts) {
    const loaded = load(text)
    expect(loaded.ok || loaded.errors.length > 0, text).toBe(true)
  }
})

describe('real servers by range', () => {
  test('are found twice where two entries overlap, at the second entry', () => {
    const text = `${directors}virtual_servers:\n  web:\n    address: 10.9.0.100:80\n    forward: dr\n    check: none\n    real_servers:\n      - 10.9.0.20-29\n      - 10.9.0.29-30\n`
    expect(problems(text)).toEqual(['11:9: 10.9.0.29 port 80 stands twice in web [duplicate-real-server]'])
  })

  test('belong to a service whatever its name', () => {
    const text = `${directors}virtual_servers:\n  10.9.0.21: { address: '10.9.0.100:80', forward: dr, check: none, real_servers: [10.9.0.21] }\n`
    expect(good(text).services[0]?.realServers.map(({ address }) => address)).toEqual(['10.9.0.21'])
  })

  test('must fit every address of the virtual server', () => {
    const text = `${directors}virtual_servers:\n  web: { address: ['10.9.0.100:80', '[fd00:9::100]:80'], forward: dr, check: none, real_servers: [10.9.0.21] }\n`
    expect(problems(text)).toEqual([
      '5:99: 10.9.0.21 is IPv4, the virtual server is IPv6: only forward: tun can cross families [family-mismatch]',
    ])
  })
})
