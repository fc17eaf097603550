import { describe, expect, test } from 'vitest'
import type { StoredEvent } from '../../src/events/store.js'
import type { CheckStatus } from '../../src/messages.js'
import { eventLine, stamp } from '../../src/status/events-text.js'
import { explain } from '../../src/status/explain.js'
import { explainText } from '../../src/status/explain-text.js'
import { bad, drained, good, noon, router, service, status } from './samples.js'

const six = { ...good, address: 'fd00:9::21' }
const two = status({
  services: [
    { ...service, realServers: [good, bad, six] },
    { ...service, name: 'api', realServers: [{ ...bad, port: 8080 }] },
  ],
  overrides: [drained],
})
const found = (subject: string) => {
  const { routers, servers } = explain(two, subject, () => [])
  return [
    ...routers.map(({ router }) => router.name),
    ...servers.map(({ service, server }) => `${service.name}/${server.address}:${server.port}`),
  ]
}

describe('explain finds', () => {
  test.each([
    ['web/10.9.0.22:80', ['web/10.9.0.22:80']],
    ['web/10.9.0.22', ['web/10.9.0.22:80']],
    ['10.9.0.22', ['web/10.9.0.22:80', 'api/10.9.0.22:8080']],
    ['10.9.0.22:8080', ['api/10.9.0.22:8080']],
    ['fd00:9::21', ['web/fd00:9::21:80']],
    ['[fd00:9::21]:80', ['web/fd00:9::21:80']],
    ['api', ['api/10.9.0.22:8080']],
    ['web', ['web', 'web/10.9.0.21:80', 'web/10.9.0.22:80', 'web/fd00:9::21:80']],
    ['nothing', []],
    ['web/10.9.0.99', []],
  ])('%s', (subject, names) => expect(found(subject)).toEqual(names))
})

describe('explain says', () => {
  const event: StoredEvent = {
    seq: 4,
    at: noon - 120_000,
    name: 'server.down',
    level: 'warning',
    subject: 'server web/10.9.0.22:80',
    text: 'connection refused',
  }

  test('why a real server is down: its checks, what they found, what happened', () => {
    expect(explainText(explain(two, 'web/10.9.0.22', () => [event]))).toBe(`\
real server web/10.9.0.22:80: down for 2m
  tcp 10.9.0.100:80, dr, not in the kernel table, 1 in the file
  check homepage (http): down for 2m; last 0.5s ago: L4CON in 0.4ms refused connection refused
  events
    ${stamp(event.at)} warning server.down        connection refused
`)
  })

  test('what is done meanwhile, and what keeps it down although it passes', () => {
    const [check] = bad.checks
    const line = (over: Partial<CheckStatus>) => {
      const server = { ...bad, checks: check ? [{ ...check, ...over }] : [] }
      const status = { ...two, services: [{ ...service, realServers: [server] }] }
      return explainText(explain(status, 'web/10.9.0.22', () => []))
    }
    const refused = 'L4CON in 0.4ms refused connection refused'
    expect(line({ knocks: { every: 200, made: 571 } })).toContain(
      `${refused}; knocked at every 200ms, 571 times so far\n`,
    )
    expect(line({ held: 'manual-resume' })).toContain(
      `${refused}; held down until \`lvskeeper ready\` (manual_resume)\n`,
    )
    const held = { falls: 3, until: noon + 12_000 }
    expect(line({ held })).toContain(`${refused}; held down for 12s more after 3 falls (damping)\n`)
    expect(line({ held: { ...held, until: noon - 1 } })).toContain(`${refused}\n`)
  })

  test('who drained it, why, and until when', () => {
    expect(explainText(explain(two, 'web/10.9.0.21', () => []))).toBe(`\
real server web/10.9.0.21:80: up for 3d
  tcp 10.9.0.100:80, dr, weight 2 in the kernel table, 2 in the file
  drain by alice 5m ago ("kernel update"), ends in 55m
  check homepage (http): up for 3d; last 0.5s ago: L7OK in 1.8ms 200
`)
  })

  test('why this director is not master: cause, sum of the priority, the others, the timeline', () => {
    const backup = {
      ...router,
      name: 'inner',
      state: 'backup' as const,
      master: '10.9.0.12',
      lastAdvert: noon - 50,
      cause: 'heard 10.9.0.12',
      priority: { base: 150, effective: 90, contributions: [{ source: 'script chk', value: -60, reason: 'exit 1' }] },
    }
    expect(explainText(explain(status({ routers: [backup], services: [] }), 'inner', () => []))).toBe(`\
virtual router inner (vrid 51 on eth0): d1 is backup for 3d
  because heard 10.9.0.12
  priority 90 = 150 - 60 script chk (exit 1)
  master is 10.9.0.12, last heard 0.1s ago
  adverts of 10.9.0.12: 2 without pseudo-header
  d2: unknown, ready
  the last transition
    ${stamp(backup.timeline[0]!.at)} deadline passed
    ${stamp(backup.timeline[1]!.at)} VIPs added
`)
  })

  test('of a whole service the last results of what is not up only', () => {
    const results = Array.from({ length: 8 }, (_, i) => ({
      at: noon - i,
      latency: 1,
      passed: true,
      layer: 'L7OK' as const,
    }))
    const found = explain(two, 'web', () => [])
    const text = explainText({ ...found, servers: found.servers.map(each => ({ ...each, results })) })
    expect(text.split('\n').filter(line => line.includes('L7OK   1.0ms') || line.endsWith('L7OK  1.0ms'))).toHaveLength(
      5,
    )
    expect(text.match(/^real server /gm)).toHaveLength(3)
  })

  test('that there is no such thing', () => {
    expect(explainText(explain(two, 'nothing', () => []))).toBe(
      'nothing: no such virtual router, service, real server, director or tracked thing\n',
    )
  })
})

test('an event is one line, whatever somebody put into it', () => {
  const event = { seq: 1, at: noon, name: 'server.down', level: 'warning', subject: 's', text: 'a\nb\x1b[2Jc' } as const
  expect(eventLine(event)).toBe(`${stamp(noon)} warning server.down        a b [2Jc`)
})
