import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { importLdirectord } from '../../config/import/ldirectord.js'
import { loadConfig } from '../../config/load.js'
import { formatProblems } from '../../config/problem.js'

function complaint(yaml: string): string | undefined {
  const loaded = loadConfig(yaml, { file: '/x', hostname: 'h', localAddresses: [], static: true, env: {} })
  return loaded.ok ? undefined : `${formatProblems(loaded.errors, [])}\n${yaml}`
}

const web = `
# the whole house
checktimeout=3
checkinterval=5
quiescent=no
autoreload=yes
emailalert="ops@example.org"
emailalertfreq=600

# the web
virtual=10.9.0.100:80
	real=10.9.0.21:80 gate 5
	real=10.9.0.22->10.9.0.24:80 gate   # three more
	fallback=127.0.0.1:80 gate
	service=http
	request="healthz"
	receive="all (good|fine)"
	virtualhost=www.example.org
	scheduler=wlc
	persistent=600
	netmask=255.255.255.0
	protocol=tcp
	checktype=negotiate
`

test('what one virtual says otherwise than all, and what a greeting does not ask, is told', () => {
  const { yaml, findings } = importLdirectord(`cleanstop=no
emailalert="ops@example.org, root"
real=10.9.0.20:80 gate
virtual=10.9.0.100:21
	real=10.9.0.21:21 gate
	service=ftp
	login=anonymous
	request=welcome.msg
	cleanstop=yes
	emailalert="web@example.org"
virtual=10.9.0.100:5060
	real=10.9.0.21:5060 gate
	protocol=udp
	checktype=connect
virtual=7
	real=10.9.0.21 gate
	service=smtp
`)
  expect(complaint(yaml)).toBeUndefined()
  const told = findings.filter(({ severity }) => severity !== 'note').map(({ line, code }) => `${line} ${code}`)
  expect(told.sort()).toEqual([
    '10 not-supported',
    '2 mail-address',
    '3 unindented',
    '4 negotiate-service',
    '9 not-supported',
  ])
  expect(yaml).toContain('udp: { udp: { require_reply: false }')
  expect(yaml).toContain('smtp: { smtp: {}, port: 25,')
})

test('a service with its checks, range, sorry server and persistence', () => {
  const { yaml, status, findings } = importLdirectord(web)
  expect(complaint(yaml)).toBeUndefined()
  expect(status).toBe('complete')
  expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(['note mail-host', 'note not-needed'])
  expect(yaml).toBe(`# Imported from ldirectord.cf.
# ldirectord moves no VIP: add directors and virtual_routers, or keep what moves them now.
# the whole house

checks:
  http:
    http: { path: /healthz, host: www.example.org, regex: all (good|fine) }
    interval: 5s
    timeout: 3s
    watch: false
    rise: 1
    fall: 1

virtual_servers:
  # the web
  tcp-10.9.0.100-80:
    address: 10.9.0.100:80
    protocol: tcp
    scheduler: wlc
    persistence: { timeout: 10m, netmask: 24 }
    forward: dr
    start: down
    sorry_server: { address: 127.0.0.1 }
    check: http
    real_servers:
      - { address: 10.9.0.21, weight: 5 }
      - { address: 10.9.0.22-10.9.0.24 } # three more

alerts:
  - mail: { to: [ ops@example.org ], from: lvskeeper@localhost, host: 127.0.0.1, tls: none }
    events: [ server.* ]
    repeat: 10m

on_stop: clear
`)
})

function service(lines: string): string {
  return `virtual=10.9.0.100:80\n${lines
    .trim()
    .split('\n')
    .map(line => `\t${line.trim()}`)
    .join('\n')}\n\treal=10.9.0.21:80 masq\n`
}

describe('checks', () => {
  test.each([
    ['checktype=connect', 'tcp: {}'],
    ['checktype=ping', 'icmp: {}'],
    ['checktype=on', 'check: none'],
    ['checktype=negotiate\nservice=smtp', 'smtp: {}'],
    ['checktype=negotiate\nservice=https\nrequest=/x', 'https: { path: /x, tls: { verify: none } }'],
    ['checktype=negotiate\nservice=dns\nrequest="www.example.org"\nreceive="10.1.1.1"', 'name: www.example.org'],
    ['checktype=negotiate\nservice=mysql\nlogin=lvs\npasswd="x y"', 'mysql: { user: lvs, password: x y }'],
    ['checktype=negotiate\nservice=imap', 'expect: { regex: ^\\* OK }'],
    [
      'checktype=external\ncheckcommand=/usr/local/bin/chk',
      '[ /usr/local/bin/chk, 10.9.0.100, "80", "{address}", "{port}" ]',
    ],
    ['checktype=4\nservice=http\nrequest=/', 'checks: [ tcp, http ]'],
    ['checkport=8080\nchecktype=connect', 'port: 8080'],
  ])('%s', (lines, expected) => {
    const { yaml } = importLdirectord(service(lines))
    expect(complaint(yaml)).toBeUndefined()
    expect(yaml).toContain(expected)
  })

  test.each([
    ['checktype=off', ['check-off']],
    ['checktype=external-perl\ncheckcommand=x', ['check-type']],
    ['checktype=negotiate\nservice=oracle', ['negotiate-service']],
    ['checktype=negotiate\nservice=http\nreceive="(?=x)"', ['regex-syntax']],
    [
      'maintenancedir=/etc/lvs\ncallback=/bin/x\nmonitorfile=/var/log/x',
      ['not-supported', 'not-supported', 'not-supported'],
    ],
  ])('what is lost is said: %s', (lines, codes) => {
    const { yaml, findings, status } = importLdirectord(service(lines))
    expect(complaint(yaml)).toBeUndefined()
    expect(status).toBe('partial')
    expect(findings.filter(({ severity }) => severity === 'lost').map(({ code }) => code)).toEqual(codes)
  })
})

test('masq maps ports, gate does not; marks and IPv6 work; names become dns', () => {
  const { yaml, findings } = importLdirectord(`
virtual=10.9.0.100:443
  real=10.9.0.21:8443 masq
  real=10.9.0.22:8443 gate
  checktype=connect
virtual=7
  real=10.9.0.21:80 gate
  checktype=connect
virtual6=[fd00:9::100]:http
  real6=[fd00:9::21]:80 gate
  checktype=connect
virtual=10.9.0.101:80
  real=backend1:80 masq
  checktype=connect
`)
  expect(complaint(yaml)).toBeUndefined()
  expect(findings.map(({ code }) => code)).toEqual(['port-forced', 'real-by-name'])
  expect(yaml).toContain('- { address: 10.9.0.21, port: 8443 }')
  expect(yaml).toContain('mark: 7')
  expect(yaml).toContain('address: "[fd00:9::100]:80"')
  expect(yaml).toContain('- { dns: backend1 }')
})

test('a file without virtual servers is unreadable', () => {
  expect(importLdirectord('hello\n')).toMatchObject({ status: 'unreadable', yaml: '' })
})

test('a damaged file imports without an exception, and what is written is accepted', () => {
  const lines = web.split('\n')
  const edit = fc.record({
    at: fc.nat(lines.length - 1),
    how: fc.constantFrom('delete', 'twice', 'value', 'key', 'outdent'),
  })
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), edits => {
      const changed = [...lines]
      for (const { at, how } of edits) {
        const index = at % changed.length
        const line = changed[index]!
        if (how === 'delete') changed.splice(index, 1)
        if (how === 'twice') changed.splice(index, 0, line)
        if (how === 'value') changed[index] = line.replace(/=.*/, '=x9.:/ "')
        if (how === 'key') changed[index] = line.replace(/\w/, '')
        if (how === 'outdent') changed[index] = line.trim()
      }
      const { yaml, status } = importLdirectord(changed.join('\n'))
      if (status !== 'unreadable') expect(complaint(yaml)).toBeUndefined()
    }),
    { numRuns: 300, seed: 5 },
  )
}, 120_000)
