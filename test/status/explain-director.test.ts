import { describe, expect, test } from 'vitest'
import type { StoredEvent } from '../../src/events/store.js'
import type { RouterStatus } from '../../src/messages.js'
import type { PeerView } from '../../src/peer/view.js'
import { stamp } from '../../src/status/events-text.js'
import { explain } from '../../src/status/explain.js'
import { explainText } from '../../src/status/explain-text.js'
import type { Status } from '../../src/status/status.js'
import { noon, peer, router, status } from './samples.js'

const event: StoredEvent = {
  ...{ seq: 4, at: noon - 120_000, name: 'peer.heard', level: 'notice', subject: 'director d2' },
  text: 'no longer: d2 is not heard (9s)',
}
const known = [
  { name: 'd1', addresses: ['10.9.0.11'] },
  { name: 'd2', addresses: ['10.9.0.12'] },
]
const say = (subject: string, extra: Partial<Omit<Status, 'notices'>> = {}) =>
  explainText(explain(status(extra), subject, about => (about === 'director d2' ? [event] : []), known))
const other = (extra: Partial<PeerView>, report: Partial<NonNullable<PeerView['report']>> = {}) => ({
  peers: [{ ...peer, ...extra, report: { ...peer.report!, ...report } }],
})

describe('explain of a director', () => {
  const text = `\
director d2 (10.9.0.12): last heard 0.4s ago from 10.9.0.12
  ready
  lvskeeper 0.1.0, as here
  configuration 3f2a9c01, generation 12; as here
  table complete
  virtual router web: backup, priority 100
  events
    ${stamp(event.at)} notice  peer.heard         no longer: d2 is not heard (9s)
  on d2: lvskeeper status
`
  test('says all that is known of it, by its name and by its address', () => {
    expect(say('d2')).toBe(text)
    expect(say('10.9.0.12')).toBe(text)
  })

  test('says why it is not ready, and what is other than here', () => {
    const lines = say(
      'd2',
      other({ mismatchSince: noon - 60_000 }, { tableReady: false, configHash: 'abcdef0123', version: '0.2.0' }),
    )
    expect(lines).toContain('  not ready: its table is not complete\n')
    expect(lines).toContain('  lvskeeper 0.2.0, here 0.1.0\n')
    expect(lines).toContain('  configuration abcdef01, generation 12; here 3f2a9c01: they differ for 1m\n')
    expect(say('d2', other({}, { maintenance: true }))).toContain('  not ready: in maintenance\n')
  })

  test('that is silent says what it said last; one never heard, what to look for', () => {
    const silent = say('d2', other({ state: 'silent', lastHeard: noon - 12_000 }))
    expect(silent).toMatch(
      /^director d2 \(10\.9\.0\.12\): silent, last heard 12s ago from 10\.9\.0\.12\n {2}not ready: silent/,
    )
    expect(silent).toContain('different from normal\n    warning silent for 12s\n')
    const { report: _, lastHeard: __, from: ___, ...never } = peer
    expect(say('d2', { peers: [{ ...never, state: 'never' }] })).toContain('never heard since this director started\n')
  })

  test('without a peer channel says so', () => {
    expect(say('d2', { peers: [], peerChannel: 'off' })).toBe(`\
director d2 (10.9.0.12): unknown, but for its adverts
  without peer_key_file the directors say nothing to each other
  events
    ${stamp(event.at)} notice  peer.heard         no longer: d2 is not heard (9s)
  on d2: lvskeeper status
`)
  })

  test('that explains says of itself what the others go by, and of its processes', () => {
    expect(say('d1')).toBe(`\
director d1, this one: lvskeeper 0.1.0, up 3d 4h
  could take over
  configuration 3f2a9c01, generation 12, applied 1d ago from /etc/lvskeeper/lvskeeper.yaml
  virtual router web: master, priority 150
  process vrrp: running for 3d, pid 4243
  process checkers: running for 3d, pid 4244
  process control: running for 3d, pid 4245
`)
    expect(say('d1', { table: { complete: false, repairs: 0, foreign: 0 } })).toContain(
      '  could not take over: its table is not complete\n',
    )
  })

  test('is of none that the file does not name', () => {
    expect(say('d3')).toBe('d3: no such virtual router, service, real server, director or tracked thing\n')
  })
})

describe('explain of what virtual routers track', () => {
  const tracking: RouterStatus = {
    ...router,
    priority: {
      ...{ base: 150, effective: 90 },
      contributions: [
        { source: 'script uplink', value: -60, reason: 'exit code 1' },
        { source: 'interface eth1', value: 0, reason: 'it is up' },
      ],
    },
    faults: ['interface eth0 is down', 'file limits: /run/limits: no such file'],
  }
  const told = (subject: string) => say(subject, { routers: [tracking] })

  test('says what each makes of it, by its name alone or with its kind', () => {
    const uplink = 'script uplink, for virtual router web: - 60 (exit code 1)  -> lvskeeper explain web\n'
    expect(told('uplink')).toBe(uplink)
    expect(told('script uplink')).toBe(uplink)
    expect(told('eth1')).toBe('interface eth1, for virtual router web: + 0 (it is up)  -> lvskeeper explain web\n')
    expect(told('limits')).toContain(
      'file limits, for virtual router web: puts it in fault (/run/limits: no such file)',
    )
    expect(told('eth0')).toContain('interface eth0, for virtual router web: puts it in fault (is down)')
  })

  test('knows the interface that a virtual router runs on', () => {
    expect(say('eth0')).toBe('interface eth0, for virtual router web: + 0 (it runs there)  -> lvskeeper explain web\n')
  })
})
