import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { age } from '../../src/status/age.js'
import { cut } from '../../src/status/columns.js'
import { notices } from '../../src/status/notices.js'
import { colours, paintFor, plain, widthOf } from '../../src/status/paint.js'
import { statusText } from '../../src/status/text.js'
import { bad, drained, good, noon, peer, router, service, status } from './samples.js'

/** Everything at once: a fault, a priority that tracking lowered, a server down, another drained, a silent peer. */
const { master: _, ...masterless } = router

const badDay = () =>
  status({
    routers: [
      router,
      {
        ...router,
        name: 'inner',
        vrid: 52,
        state: 'backup',
        master: '10.9.0.12',
        cause: 'heard 10.9.0.12',
        priority: {
          base: 150,
          effective: 90,
          contributions: [{ source: 'virtual_server web', value: -60, reason: 'no quorum' }],
        },
      },
      { ...masterless, name: 'v6', vrid: 53, state: 'fault', faults: ['interface eth1 down'] },
    ],
    services: [{ ...service, realServers: [{ ...good, state: 'drain', kernelWeight: 0, override: drained }, bad] }],
    overrides: [drained],
    peers: [{ ...peer, state: 'silent', lastHeard: noon - 42_000 }],
  })

describe('the status of a good day', () => {
  test('fits one screen and says that everything is normal', () => {
    expect(statusText(status(), { width: 80, rows: 24 })).toBe(`\
d1  lvskeeper 0.1.0, up 3d 4h, configuration 3f2a9c01, generation 12

ROUTER  VRID  STATE   FOR  PRIORITY  MASTER         WHY
web     51    master  3d   150       this director  no advert came from the mas…

DIRECTOR  HEARD     READY  CONFIG  VERSION  ROUTERS
d2        0.4s ago  yes    same    0.1.0    web backup 100

SERVICE         STATE  FOR  WEIGHT  CONNS  DETAIL
web             up     3d   2       12     tcp 10.9.0.100:80 wrr, 1 of 1 up
  10.9.0.21:80  up     3d   2       12     dr homepage L7OK 200 in 1.8ms

Everything is normal.
`)
  })

  test('says unknown of the other directors where there is no peer channel', () => {
    const text = statusText(status({ peerChannel: 'off' }))
    expect(text).toContain('d2        unknown  unknown  unknown  unknown  unknown\n')
    expect(text).toContain('no peer_key_file: the state of the other directors is unknown')
  })
})

describe('the status of a bad day', () => {
  test('says who is master and why, what is down and why, and what to type next', () => {
    expect(statusText(badDay(), { width: 118 })).toBe(`\
d1  lvskeeper 0.1.0, up 3d 4h, configuration 3f2a9c01, generation 12

ROUTER  VRID  STATE   FOR  PRIORITY   MASTER         WHY
web     51    master  3d   150        this director  no advert came from the master
inner   52    backup  3d   90 of 150  d2             heard 10.9.0.12
v6      53    fault   3d   150        none heard     interface eth1 down

DIRECTOR  HEARD    READY    CONFIG   VERSION  ROUTERS
d2        42s ago  unknown  unknown  unknown  unknown

SERVICE         STATE  FOR  WEIGHT  CONNS  DETAIL
web             up     3d   2       12     tcp 10.9.0.100:80 wrr, 0 of 2 up
  10.9.0.21:80  drain  3d   0 of 2  12     dr homepage L7OK 200 in 1.8ms
  10.9.0.22:80  DOWN   2m   - of 1  -      dr homepage L4CON connection refused in 0.4ms

DIFFERENT FROM NORMAL
alarm    router v6                in fault for 3d: interface eth1 down  -> lvskeeper explain v6
alarm    directors                no other director is ready to take over
warning  server web/10.9.0.22:80  down for 2m: homepage: L4CON connection refu…  -> lvskeeper explain web/10.9.0.22:80
warning  director d2              silent for 42s  -> on d2: lvskeeper status
notice   router inner             priority 90 instead of 150: -60 virtual_server web (no …  -> lvskeeper explain inner
notice   server web/10.9.0.21:80  drained by alice 5m ago ("kernel update"), end…  -> lvskeeper ready web/10.9.0.21:80
`)
  })

  test('never runs beyond the width of the screen, with and without colours', () => {
    for (const width of [40, 60, 80, 100])
      for (const paint of [plain, colours]) {
        const lines = statusText(badDay(), { width, paint }).split('\n')
        // The title is the one line that may be longer.
        expect(Math.max(...lines.slice(1).map(widthOf))).toBeLessThanOrEqual(width)
      }
  })

  test('shows what foreign programs said without letting them move the cursor', () => {
    const evil = { ...bad.checks[0]!, last: { ...bad.checks[0]!.last!, detail: 'x\x1b[2J\r\ny\u202e' } }
    const text = statusText(status({ services: [{ ...service, realServers: [{ ...bad, checks: [evil] }] }] }))
    for (const character of ['\x1b', '\r', '\u202e']) expect(text).not.toContain(character)
    expect(text).toContain('L4CON x [2J y ')
  })
})

describe('a large table', () => {
  const many = Array.from({ length: 2_284 }, (_, i) => ({
    ...service,
    name: `service-${i}`,
    realServers: Array.from({ length: 16 }, (_, j) => ({ ...good, address: `10.${i >> 8}.${i & 255}.${j}` })),
  }))

  test('is counted, and what is not normal is still listed', () => {
    const broken = { ...many[7]!, realServers: [...many[7]!.realServers, bad] }
    const text = statusText(status({ services: many.with(7, broken) }), { width: 100, rows: 24 })
    expect(text.split('\n').length).toBeLessThanOrEqual(24)
    expect(text).toContain('service-7')
    expect(text).toContain('10.9.0.22:80  DOWN')
    expect(text).toContain('2283 services with 36528 real servers, all up')
  })

  test('that is wholly broken still fits, and says how much is not shown', () => {
    const broken = many.map(each => ({ ...each, state: 'down' as const }))
    const text = statusText(status({ services: broken }), { width: 100, rows: 40 })
    expect(text.split('\n').length).toBeLessThanOrEqual(40)
    expect(text).toMatch(/and \d+ more: lvskeeper status --json/)
    expect(text).toMatch(/and \d+ more lines/)
  })
})

describe('twenty services on two hundred real servers, of which a switch took half along', () => {
  const services = Array.from({ length: 20 }, (_, i) => ({
    ...service,
    name: `s${i}`,
    state: i === 19 ? ('down' as const) : ('up' as const),
    sorry: false,
    realServers: Array.from({ length: 10 }, (_, j) => ({ ...(j < 5 ? bad : good), address: `10.9.${i}.${j}` })),
  }))
  const { notices: _, ...normal } = status({ services, overrides: [] })
  const night = { ...normal, notices: notices(normal) }

  test('are one line each, and what happened is one sentence', () => {
    const text = statusText(night, { width: 120, rows: 40 })
    expect(text.split('\n').length).toBeLessThanOrEqual(40)
    for (const { name } of services) expect(text).toMatch(new RegExp(`^${name} .* 5 of 10 up$`, 'm'))
    expect(text).toMatch(
      /^warning +services +100 real servers of 20 services down, the first for 2m: homepage: L4CON .* -> lvskeeper events$/m,
    )
    expect(text).toMatch(/^alarm +service s19 .* -> lvskeeper explain s19$/m)
  })

  test('show on a small screen what is down before what is merely fewer', () => {
    const text = statusText(night, { width: 120, rows: 24 })
    expect(text.split('\n').length).toBeLessThanOrEqual(24)
    expect(text).toMatch(/^SERVICE .*\ns19 +DOWN/m)
    expect(text).toMatch(/and \d+ more lines/)
  })

  test('are one line for each service where there is room for these', () => {
    const few = services.slice(0, 2)
    const rest = { ...normal, services: few }
    const text = statusText({ ...rest, notices: notices(rest) }, { width: 120, rows: 24 })
    expect(text).toMatch(
      /^warning +service s0 +5 of 10 real servers down, the first for 2m: .* -> lvskeeper explain s0$/m,
    )
    expect(text).toMatch(/^warning +service s1 /m)
  })

  test('name the most frequent reason where there are several', () => {
    const odd = { ...bad, address: '10.9.0.0', checks: [{ ...bad.checks[0]!, name: 'other' }] }
    const mixed = services.map((each, i) =>
      i === 0 ? { ...each, realServers: [odd, ...each.realServers.slice(1)] } : each,
    )
    const rest = { ...normal, services: mixed }
    expect(statusText({ ...rest, notices: notices(rest) }, { rows: 40 })).toContain('(99 of them)')
  })
})

describe('colours', () => {
  test('are for terminals, and not against the wish of the user', () => {
    expect(paintFor({ isTTY: true }, {})).toBe(colours)
    expect(paintFor({ isTTY: false }, {})).toBe(plain)
    expect(paintFor({}, {})).toBe(plain)
    expect(paintFor({ isTTY: true }, { NO_COLOR: '1' })).toBe(plain)
    expect(paintFor({ isTTY: true }, { NO_COLOR: '' })).toBe(colours)
    expect(paintFor({ isTTY: true }, { TERM: 'dumb' })).toBe(plain)
  })

  test('change nothing but the colour', () => {
    const coloured = statusText(badDay(), { paint: colours, width: 100 })
    const bare = stripVTControlCharacters(coloured)
    expect(bare).toBe(statusText(badDay(), { paint: plain, width: 100 }))
  })

  test('end where a line is cut', () => {
    expect(cut(colours('red', 'abcdef'), 4)).toBe(`${colours('red', 'abc')}…`)
    expect(cut('abcdef', 6)).toBe('abcdef')
  })
})

test.each([
  [0, '0s'],
  [420, '0.4s'],
  [9_940, '9.9s'],
  [9_960, '10s'],
  [59_600, '1m'],
  [125_000, '2m 5s'],
  [3_600_000, '1h'],
  [12_000_000, '3h 20m'],
  [1_051_200_000, '12d 4h'],
  [-5, '0s'],
])('an age of %i ms is %s', (ms, text) => expect(age(ms)).toBe(text))
