import type { LoadOptions } from '../../config/load.js'
import type { Files } from './load.js'

/** Two directors: what every case begins with. */
const directors = `directors:
  d1: { address: 10.9.0.11, priority: 150 }
  d2: { address: 10.9.0.12, priority: 100 }
`
const router = (more: string) => `${directors}virtual_routers:
  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32], ${more} }
`
const service = (more: string, server = '') => `${directors}virtual_servers:
  web: { address: '10.9.0.100:80', forward: dr, check: { tcp: {} }, real_servers: [{ address: 10.9.0.21${server} }], ${more} }
`
const check = (words: string) => `${directors}virtual_servers:
  web: { address: '10.9.0.100:80', forward: dr, real_servers: [10.9.0.21], check: { ${words} } }
`
const alert = (words: string) => `${directors}alerts:
  - ${words}
`
/** One mistake each: the code it must be told by, the file, other files, and where it is read. */
export type Case = readonly [code: string, text: string, files?: Files, more?: Partial<LoadOptions>]
export const cases: Case[] = [
  // YAML
  ['yaml-bom', '\uFEFFdirectors: {}\n'],
  ['yaml-encoding', 'directors: "\uFFFD"\n'],
  ['yaml-empty', ''],
  ['yaml-empty', '# nothing but a comment\n'],
  ['yaml-root', '- directors\n'],
  ['yaml-tab', 'directors:\n\td1: { address: 10.9.0.11 }\n'],
  ['yaml-documents', `${directors}---\n${directors}`],
  ['yaml-syntax', 'directors: { d1: { address: 10.9.0.11 }\n'],
  ['yaml-syntax', `directors:\n  d1: { address: 10.9.0.11 }\n d2: { address: 10.9.0.12 }\n`],
  ['yaml-alias', `${directors}alerts: *nowhere\n`],
  ['yaml-alias', `${directors}alerts: &all [*all]\n`],
  ['yaml-merge', `x-pool: &pool [1]\n${directors}virtual_servers:\n  web: { <<: *pool }\n`],
  ['yaml-key', `${directors}? [a, b]\n: 1\n`],
  ['yaml-key', `${directors}__proto__: { a: 1 }\n`],
  ['yaml-too-deep', '['.repeat(20_000)],
  [
    'yaml-too-large',
    `${Array.from(
      { length: 9 },
      (_, i) =>
        `x-${i}: &a${i} [${
          i === 0
            ? '1,1,1,1,1,1,1,1,1,1'
            : Array(10)
                .fill(`*a${i - 1}`)
                .join(',')
        }]`,
    ).join('\n')}\n${directors}`,
  ],
  ['duplicate-key', `${directors}on_stop: keep\non_stop: clear\n`],
  [
    'duplicate-key',
    `${directors}include: more.yaml\n`,
    { '/etc/lvskeeper/more.yaml': 'directors:\n  d2: { address: 10.9.0.13 }\n' },
  ],
  [
    'duplicate-key',
    `x-pool: &pool { forward: dr }\n${directors}virtual_servers:\n  web: { <<: *pool, <<: *pool, address: '10.9.0.100:80' }\n`,
  ],
  ['number-format', router('priorities: { d1: 0100 }')],
  ['number-format', `${directors}peer_port: 0x24D8\n`],
  ['env-unset', `${directors}peer_key_file: \${env:KEY_FILE}\n`],
  ['env-syntax', `${directors}peer_key_file: \${env:}\n`],
  // includes
  ['include-missing', `${directors}include: more.yaml\n`],
  ['include-missing', `${directors}include: conf.d/*.yaml\n`],
  ['include-empty', `${directors}include: conf.d/*.yaml\n`, { '/etc/lvskeeper/conf.d/a.txt': '' }],
  ['include-cycle', `${directors}include: more.yaml\n`, { '/etc/lvskeeper/more.yaml': 'include: more.yaml\n' }],
  [
    'include-too-deep',
    `${directors}include: 1.yaml\n`,
    Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`/etc/lvskeeper/${i + 1}.yaml`, `include: ${i + 2}.yaml\n`]),
    ),
  ],
  ['bad-include', `${directors}include: 7\n`],
  ['bad-include', `${directors}include: '*/a.yaml'\n`],
  // words and values
  ['unknown-key', router('advert_int: 1s')],
  ['unknown-key', router('nopreempt: true')],
  ['unknown-key', router('colour: red')],
  ['missing-key', `${directors}virtual_routers:\n  web: { interface: eth0 }\n`],
  ['empty-value', `${directors}virtual_routers:\n  web:\n    vrid:\n    interface: eth0\n`],
  ['empty-value', `${directors}alerts:\n  -\n`],
  ['empty-list', `${directors}virtual_servers:\n  web: { address: '10.9.0.100:80', forward: dr, checks: [] }\n`],
  ['duplicate-entry', service('require: 1').replace('check: { tcp: {} }', 'checks: [{ tcp: {} }, { tcp: {} }]')],
  ['duplicate-entry', router('track: { scripts: [up, up] }')],
  [
    'duplicate-entry',
    router('routes: [{ destination: default, via: 10.9.0.1 }, { destination: default, via: 10.9.0.1 }]'),
  ],
  ['duplicate-entry', alert('{ mail: { to: [a@example.org, a@example.org], from: b@example.org, host: mail } }')],
  ['bad-mapping', `${directors}virtual_routers: [web]\n`],
  ['bad-mapping', `${directors}virtual_routers: { web: fine }\n`],
  ['bad-list', `${directors}alerts: { level: info }\n`],
  ['bad-name', `${directors}checks:\n  a/b: { tcp: {} }\n`],
  ['bad-duration', router('advert_interval: 1')],
  ['bad-duration', router('advert_interval: 1 second')],
  ['bad-size', `${directors}events: { max_size: 100000 }\n`],
  ['bad-number', router('min_ttl: high')],
  ['bad-boolean', router('accept: yes')],
  ['bad-word', service('scheduler: wrrr')],
  ['bad-text', router('sync_group: ""')],
  ['bad-path', `${directors}peer_key_file: peer.key\n`],
  ['bad-address', `directors:\n  d1: { address: 10.9.0.011 }\n`],
  ['bad-address', `${directors}sync: { interface: eth0, group: 10.9.0.81 }\n`],
  ['bad-address', router('excluded_vips: [10.9.0.100/33]')],
  [
    'bad-interface',
    `${directors}virtual_routers:\n  web: { vrid: 51, interface: a name too long, vips: [10.9.0.100/32] }\n`,
  ],
  ['out-of-range', `${directors}virtual_routers:\n  web: { vrid: 256, interface: eth0 }\n`],
  ['out-of-range', router('advert_interval: 1ms')],
  ['bad-vip', router('excluded_vips: [5]')],
  ['bad-peer', router('transport: unicast, peers: [true]')],
  ['bad-preempt', router('preempt: 30s')],
  ['bad-track', router('track: { interfaces: eth1 }')],
  ['bad-virtual-mac', router('virtual_mac: vrrp.51')],
  ['bad-family', `${directors}virtual_servers:\n  web: { mark: 7, family: 5 }\n`],
  ['bad-sysctl', `${directors}sysctls: { kernel.panic: 1 }\n`],
  ['bad-endpoint', service('sorry_server: 10.9.0.900')],
  [
    'bad-endpoint',
    `${directors}virtual_servers:\n  web: { address: '10.9.0.100:http', forward: dr, check: none, real_servers: [10.9.0.21] }\n`,
  ],
  ['bad-endpoint', `${directors}metrics: { listen: 9433 }\n`],
  [
    'bad-port',
    `${directors}virtual_servers:\n  web: { address: 10.9.0.100, ports: [90-80], forward: dr, check: none, real_servers: [10.9.0.21] }\n`,
  ],
  [
    'bad-real-server',
    `${directors}virtual_servers:\n  web: { address: '10.9.0.100:80', forward: dr, check: none, real_servers: [[]] }\n`,
  ],
  ['bad-require', service('require: most')],
  // checks
  ['bad-check', service('check: 5').replace(', check: { tcp: {} }', '')],
  ['check-kind', check('interval: 1s')],
  ['check-kinds', check('tcp: {}, http: {}')],
  ['bad-hex', check('udp: { send: { hex: 12345 } }')],
  ['bad-hex', check('http: { digest: { md5: "00ff" } }')],
  ['bad-flags', check('http: { regex: ok, flags: g }')],
  ['bad-step', check('tcp: { steps: [hello] }')],
  ['bad-tls', check('https: { tls: false }')],
  ['bad-pin', check('https: { tls: { pin: 00ff } }')],
  ['bad-status', check('http: { status: 299-200 }')],
  ['bad-method', check('http: { method: get }')],
  ['bad-url-path', check('http: { path: healthz }')],
  ['bad-pointer', check('http: { json: { pointer: status, equals: up } }')],
  ['bad-regex', check('http: { regex: "(" }')],
  ['bad-regex', check('http: { regex: "(?=x)" }')],
  ['bad-watch', check('tcp: {}, watch: always')],
  ['bad-damping', check('tcp: {}, damping: 5s')],
  ['bad-client-path', check('tcp: {}, client_path: all')],
  ['client-path-kind', check('dns: {}, client_path: true')],
  ['client-path-forward', check('tcp: {}, client_path: true').replace('forward: dr', 'forward: nat')],
  ['fast-interval', check('tcp: {}, interval: 1s, fast_interval: 2s')],
  ['timeout-interval', check('tcp: {}, interval: 1s, timeout: 2s')],
  ['digest-one', check('http: { digest: {} }')],
  ['header-match-one', check('http: { header_match: [{ name: X-A }] }')],
  ['match-one', check('tcp: { expect: { equals: a, regex: b } }')],
  ['send-and-steps', check('tcp: { send: a, steps: [{ expect: b }] }')],
  ['udp-reply', check('udp: { expect: a, require_reply: false }')],
  ['file-exists-weight', check('file: { path: /run/a, exists: true, weight: 5 }')],
  ['relative-program', check('exec: { argv: [check] }')],
  ['cert-and-key', check('tls: { cert_file: /etc/cert.pem }'), { '/etc/cert.pem': 'PEM' }],
  ['auth-one', check('http: { auth: { user: a, bearer: b } }')],
  ['key-needs', check('mysql: { role: replica }')],
  [
    'unknown-check',
    `${service('check: hompage').replace(', check: { tcp: {} }', '')}checks:\n  homepage: { http: {} }\n`,
  ],
  ['check-and-checks', service('checks: [{ tcp: {} }]')],
  ['require-alone', service('require: 2')],
  ['require-too-many', service('checks: [{ tcp: {} }], require: 2').replace(', check: { tcp: {} }', '')],
  [
    'check-port',
    `${directors}virtual_servers:\n  web: { mark: 7, forward: nat, check: { tcp: {} }, real_servers: [10.9.0.21] }\n`,
  ],
  ['unused-check', `${directors}checks:\n  homepage: { http: {} }\n`],
  ['no-check', service('').replace(', check: { tcp: {} }', '')],
  // secrets
  ['secret-missing', check('redis: { password_file: /etc/redis.key }')],
  ['secret-empty', check('redis: { password_file: /etc/redis.key }'), { '/etc/redis.key': '' }],
  ['secret-twice', check('redis: { password: a, password_file: /etc/redis.key }'), { '/etc/redis.key': 'b' }],
  ['unknown-user', check('exec: { argv: [/bin/true], user: nobody2 }'), { '/etc/passwd': 'nobody:x:65534:65534\n' }],
  // directors
  ['no-directors', 'virtual_routers:\n  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32] }\n'],
  ['unknown-node', directors, {}, { node: 'd3' }],
  ['node-not-here', directors, {}, { node: 'd2' }],
  ['node-not-found', directors, {}, { hostname: 'other', localAddresses: ['10.9.0.99'], static: false }],
  ['node-not-found', directors, {}, { hostname: 'other', localAddresses: ['10.9.0.11', '10.9.0.12'], static: false }],
  ['duplicate-director-address', 'directors:\n  d1: { address: 10.9.0.11 }\n  d2: { address: 10.9.0.11 }\n'],
  // virtual routers
  ['unknown-director', router('priorities: { d11: 100 }')],
  ['accept-false', router('accept: false')],
  [
    'version-family',
    `${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0, version: 2, vips: ['fd00:9::100/128'] }\n`,
  ],
  ['version-interval', router('version: 2, advert_interval: 100ms')],
  ['version-interval', router('advert_interval: 15ms')],
  ['version-interval', router('advert_interval: 60s, restart_interval: 60s').replace('60s }', '40s }')],
  ['restart-interval', router('advert_interval: 2s, restart_interval: 1s')],
  ['no-vips', `${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0 }\n`],
  [
    'too-many-vips',
    `${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0, vips: [${Array.from({ length: 256 }, (_, i) => `10.8.${i >> 7}.${i & 127}`).join(', ')}] }\n`,
  ],
  [
    'vip-family',
    `${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32, 'fd00:9::100/128'] }\n`,
  ],
  ['vip-is-director', `${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0, vips: [10.9.0.12/32] }\n`],
  ['interface-lo', `${directors}virtual_routers:\n  web: { vrid: 51, interface: lo, vips: [10.9.0.100/32] }\n`],
  ['two-owners', router('priorities: { d1: 255, d2: 255 }')],
  ['equal-priority', router('priorities: { d1: 100 }')],
  ['owner-weights', router('priorities: { d1: 255 }, track: { interfaces: { eth1: { weight: -10 } } }')],
  ['vrid-collision', `${router('')}  two: { vrid: 51, interface: eth0, vips: [10.9.0.101/32] }\n`],
  ['duplicate-vip', `${router('')}  two: { vrid: 52, interface: eth0, vips: [10.9.0.100/32] }\n`],
  [
    'virtual-mac-name',
    `${router('virtual_mac: true')}  two: { vrid: 51, interface: eth1, virtual_mac: true, vips: [10.9.0.101/32] }\n`,
  ],
  ['lonely-sync-group', router('sync_group: all')],
  ['unicast-only', router('min_ttl: 254')],
  ['unicast-parent', router('transport: unicast, virtual_mac: { transmit_on_parent: false }')],
  [
    'peer-without-address',
    `${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0, transport: unicast, vips: ['fd00:9::100/128'] }\n`,
  ],
  ['unknown-tracked', `${router('track: { scripts: [uplnk] }')}scripts:\n  uplink: { argv: [/bin/true] }\n`],
  [
    'program-missing',
    `${router('track: { scripts: [uplink] }')}scripts:\n  uplink: { argv: [/opt/uplink] }\n`,
    {},
    { notRunnable: () => 'no such file or folder' },
  ],
  ['unused-tracked', `${router('')}scripts:\n  uplink: { argv: [/bin/true] }\n`],
  [
    'process-range',
    `${router('track: { processes: [bird] }')}processes:\n  bird: { command: bird, minimum: 3, maximum: 2 }\n`,
  ],
  [
    'gateway-differs',
    router('track: { gateway: { address: 10.9.0.1 } }') +
      '  two: { vrid: 52, interface: eth1, vips: [10.9.0.101/32], track: { gateway: { address: 10.9.0.1 } } }\n',
  ],
  [
    'witness-differs',
    router('witness: { address: 10.9.0.1 }') +
      '  two: { vrid: 52, interface: eth0, vips: [10.9.0.101/32], witness: { address: 10.9.0.1, within: 2s } }\n',
  ],
  ['key-needs', router('witness: { address: 10.9.0.1, by: tcp }')],
  ['authentication-one', router('authentication: {}')],
  ['authentication-version', router('authentication: { pass: secret }')],
  ['authentication-decoration', router('version: 2, authentication: { pass: secret }')],
  [
    'authentication-length',
    router('version: 2, authentication: { pass_file: /etc/pass }'),
    { '/etc/pass': 'too long a word\n' },
  ],
  [
    'active-key',
    router('authentication: { hmac: { keys: { 1: /etc/k1, 2: /etc/k2 } } }'),
    { '/etc/k1': 'k'.repeat(32), '/etc/k2': 'k'.repeat(33) },
  ],
  ['key-length', router('authentication: { hmac: { keys: { 1: /etc/k1 } } }'), { '/etc/k1': 'short' }],
  // virtual servers
  ['address-or-mark', `${directors}virtual_servers:\n  web: { forward: dr, check: none, real_servers: [10.9.0.21] }\n`],
  [
    'mark-with',
    `${directors}virtual_servers:\n  web: { mark: 7, protocol: udp, forward: dr, check: none, real_servers: [10.9.0.21] }\n`,
  ],
  [
    'port-missing',
    `${directors}virtual_servers:\n  web: { address: 10.9.0.100, forward: dr, check: none, real_servers: [10.9.0.21] }\n`,
  ],
  ['port-and-ports', service('ports: [80]')],
  [
    'port-zero',
    `${directors}virtual_servers:\n  web: { address: '10.9.0.100:0', forward: dr, check: none, real_servers: [10.9.0.21] }\n`,
  ],
  ['port-mapping', service('', ', port: 8080')],
  ['port-twice', service('', ':80, port: 80')],
  ['forward-missing', service('').replace(' forward: dr,', '')],
  ['tunnel-forward', service('', ', tunnel: { type: ipip }')],
  ['tunnel-port', service('', ', forward: tun, tunnel: { type: gue }')],
  ['tunnel-checksum', service('', ', forward: tun, tunnel: { type: gre, checksum: remcsum }')],
  ['family-mismatch', service('').replace('address: 10.9.0.21', "address: 'fd00:9::21'")],
  [
    'real-server-what',
    `${directors}virtual_servers:\n  web: { address: '10.9.0.100:80', forward: dr, check: none, real_servers: [{ weight: 2 }] }\n`,
  ],
  ['thresholds', service('upper: 10, lower: 20')],
  [
    'duplicate-service',
    `${service('')}  two: { address: '10.9.0.100:80', forward: dr, check: none, real_servers: [10.9.0.22] }\n`,
  ],
  ['duplicate-real-server', service('').replace('[{ address: 10.9.0.21 }]', '[10.9.0.21, 10.9.0.22, 10.9.0.21]')],
  [
    'duplicate-real-server',
    service('').replace('[{ address: 10.9.0.21 }]', '[{ dns: web.example.org }, { dns: web.example.org }]'),
  ],
  ['sorry-is-real', service('sorry_server: 10.9.0.21')],
  ['no-real-servers', `${directors}virtual_servers:\n  web: { address: '10.9.0.100:80', forward: dr }\n`],
  ['whole-seconds', service('persistence: 1500ms')],
  ['netmask', service('persistence: { timeout: 5m, netmask: 64 }')],
  ['ops-persistence', service('protocol: udp, one_packet: true, persistence: 5m').replace('tcp: {}', 'udp: {}')],
  ['ops-protocol', service('one_packet: true')],
  [
    'ops-nat',
    service('protocol: udp, one_packet: true').replace('tcp: {}', 'udp: {}').replace('forward: dr', 'forward: nat'),
  ],
  ['hash-drain', service('scheduler: sh').replace('[{ address: 10.9.0.21 }]', '[10.9.0.21, 10.9.0.22]')],
  ['engine-protocol', service('persistence: { timeout: 5m, engine: sip }')],
  ['scheduler-flag', service('scheduler: sh, scheduler_flags: [mh-port]')],
  ['slow-start-scheduler', service('scheduler: rr, slow_start: 30s')],
  ['slow-start-hash', service('scheduler: mh, slow_start: 30s')],
  [
    'weight-ignored',
    service('scheduler: rr').replace('[{ address: 10.9.0.21 }]', '[10.9.0.21, { address: 10.9.0.22, weight: 2 }]'),
  ],
  ...['fo', 'ovf'].map(
    (scheduler): Case => [
      'equal-weights',
      service(`scheduler: ${scheduler}`).replace(
        '[{ address: 10.9.0.21 }]',
        '[{ address: 10.9.0.20, weight: 2 }, 10.9.0.21, 10.9.0.22]',
      ),
    ],
  ),
  ['quorum', service('quorum: 2')],
  ['quorum', service('quorum: 2, hysteresis: 1', ', weight: 2')],
  ['hysteresis', service('quorum: 1, hysteresis: 1', ', weight: 2')],
  [
    'mixed-family-sync',
    service('').replace('forward: dr', 'forward: tun').replace('address: 10.9.0.21', "address: 'fd00:9::21'") +
      'sync: { interface: eth0 }\n',
  ],
  [
    'vip-not-carried',
    router('') +
      `virtual_servers:\n  web: { address: '10.9.0.101:80', forward: dr, check: none, real_servers: [10.9.0.21] }\n`,
  ],
  // alerts and the rest
  ['alert-channel', alert('{ level: alarm }')],
  ['alert-channel', alert('{ exec: { argv: [/bin/true] }, slack: { url: "https://a.example/" } }')],
  [
    'duplicate-alert',
    `${alert('{ name: a, exec: { argv: [/bin/true] } }')}  - { name: a, exec: { argv: [/bin/true] } }\n`,
  ],
  ['alert-twice', `${alert('{ exec: { argv: [/bin/true] } }')}  - { name: b, exec: { argv: [/bin/true] } }\n`],
  ['bad-url', alert('{ webhook: { url: alerts.example } }')],
  ['bad-mail', alert('{ mail: { to: [ops], from: lb@example.org, host: mail } }')],
  ['bad-event', alert('{ exec: { argv: [/bin/true] }, events: [Server Down] }')],
  ['bad-subject', alert('{ exec: { argv: [/bin/true] }, for: web }')],
  ['unknown-subject', service('').concat('alerts:\n  - { exec: { argv: [/bin/true] }, for: service wep }\n')],
  [
    'unknown-subject',
    service('').concat('alerts:\n  - { exec: { argv: [/bin/true] }, for: [router web, server web/10.9.0.22] }\n'),
  ],
  ['unknown-director', alert('{ exec: { argv: [/bin/true] }, directors: d3 }')],
  ['slack-url', alert('{ slack: {} }')],
  ['api-tls', `${directors}api: { listen: ':9443', admin_token_file: /etc/token }\n`],
  ['api-open', `${directors}api: { listen: ':9443', cert_file: /etc/a.pem, key_file: /etc/a.key }\n`],
  ['reserved-name', `${directors}checks:\n  none: { http: {} }\n`],
  [
    'sync-group-order',
    `${directors}virtual_routers:\n  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32], sync_group: all }\n  two: { vrid: 52, interface: eth0, vips: [10.9.0.101/32], sync_group: all, priorities: { d2: 200 } }\n`,
  ],
  [
    'no-peers',
    `directors:\n  d1: { address: 10.9.0.11 }\nvirtual_routers:\n  web: { vrid: 51, interface: eth0, transport: unicast, vips: [10.9.0.100/32] }\n`,
  ],
  [
    'unknown-key',
    `${directors}virtual_routers:\n  web: { virtual_router_id: 51, interface: eth0, vips: [10.9.0.100/32] }\n`,
  ],
]
