import { describe, expect, test } from 'vitest'
import type { ServiceStatus } from '../../src/messages.js'
import type { Status } from '../../src/status/status.js'
import { bad, drained, good, noon, peer, router, service, status } from './samples.js'

const minute = 60_000
const of = (extra: Partial<Omit<Status, 'notices'>>) =>
  status(extra).notices.map(({ level, code, subject, text, next }) => [level, code, subject, text, next])
const one = (extra: Partial<ServiceStatus>) => of({ services: [{ ...service, ...extra }] })
const { master: _, ...masterless } = router

describe('what is different from normal', () => {
  test('is nothing on a good day', () => expect(of({})).toEqual([]))

  test('is a backup that hears no master', () => {
    expect(of({ routers: [{ ...masterless, state: 'backup' }] })).toEqual([
      ['warning', 'router.no-master', 'router web', 'backup, and no master is heard', 'lvskeeper explain web'],
    ])
  })

  test('is not a backup that hears one', () => {
    expect(of({ routers: [{ ...router, state: 'backup', master: '10.9.0.12' }] })).toEqual([])
  })

  test('is a router that was left by order, with author, reason and the way back', () => {
    const behind = { author: 'alice', reason: 'new memory', at: noon - 5 * minute }
    expect(
      of({ routers: [{ ...router, state: 'backup', behind, priority: { ...router.priority, effective: 1 } }] }),
    ).toEqual([
      [
        'notice',
        'router.behind',
        'router web',
        'left by order of alice 5m ago ("new memory")',
        'lvskeeper failover web --back',
      ],
    ])
  })

  test('is a service below its quorum, and whether the sorry server serves', () => {
    expect(one({ state: 'down', since: noon - minute, quorum: 3, weightUp: 2, sorry: true })).toEqual([
      [
        'alarm',
        'service.down',
        'service web',
        'down for 1m: weight 2 of quorum 3, sorry server serves',
        'lvskeeper explain web',
      ],
    ])
  })

  test('is a table that is held, and why', () => {
    expect(one({ held: 'most real servers went silent at once' })[0]).toEqual([
      'warning',
      'service.held',
      'service web',
      'held as it was: most real servers went silent at once',
      undefined,
    ])
  })

  test('is each real server that is down, with the check and what it found', () => {
    expect(one({ realServers: [good, bad] })).toEqual([
      [
        'warning',
        'server.down',
        'server web/10.9.0.22:80',
        'down for 2m: homepage: L4CON connection refused',
        'lvskeeper explain web/10.9.0.22:80',
      ],
    ])
  })

  test('is each override with author, reason, age and end', () => {
    const {
      until: _,
      reason: __,
      ...endless
    } = { ...drained, service: '*', port: 0, verb: 'weight' as const, weight: 5 }
    expect(of({ overrides: [drained, endless] }).map(([, , subject, text, next]) => [subject, text, next])).toEqual([
      [
        'server web/10.9.0.21:80',
        'drained by alice 5m ago ("kernel update"), ends in 55m',
        'lvskeeper ready web/10.9.0.21:80',
      ],
      ['server 10.9.0.21', 'weight 5 by alice 5m ago, no end', 'lvskeeper ready 10.9.0.21'],
    ])
  })

  test('is how long a drain waits, until then', () => {
    const text = (deadline: number) => of({ overrides: [{ ...drained, deadline }] })[0]?.[3]
    const at = drained.at + 300_000
    expect(text(at + 60_000)).toBe(
      'drained by alice 5m ago ("kernel update"), removed in 1m at the latest, ends in 55m',
    )
    expect(text(at)).toBe('drained by alice 5m ago ("kernel update"), ends in 55m')
  })

  test('of a service below its quorum names the orders that keep real servers away', () => {
    const away = { ...good, state: 'drain' as const, override: drained }
    const text = (...realServers: (typeof away | typeof good)[]) =>
      one({ state: 'down', weightUp: 0, realServers })[0]?.[3]
    expect(text(away)).toMatch(/^down for .*: weight 0 of quorum 1; away by order: 10\.9\.0\.21:80 by alice$/)
    expect(text(away, away, away, away, away)).toMatch(/ by alice and 2 more$/)
    expect(text({ ...good, override: { ...drained, verb: 'weight' } })).not.toContain('order')
  })

  test('is another director that is silent, away, incomplete or configured differently', () => {
    const report = peer.report!
    const texts = (extra: object) => of({ peers: [{ ...peer, ...extra }] }).map(([level, , , text]) => [level, text])
    const unready = ['alarm', 'no other director is ready to take over']
    expect(texts({ state: 'silent' })).toEqual([unready, ['warning', 'silent for 0.4s']])
    expect(texts({ report: { ...report, maintenance: true } })).toEqual([unready, ['notice', 'in maintenance']])
    expect(texts({ report: { ...report, tableReady: false } })).toEqual([
      unready,
      ['notice', 'its table is not complete'],
    ])
    expect(texts({ report: { ...report, syncReady: false } })).toEqual([
      unready,
      ['warning', 'its connection sync does not run: at a switch-over to it connections that live would end'],
    ])
    const fault = [{ ...report.routers[0]!, state: 'fault' }]
    expect(texts({ report: { ...report, routers: fault } })).toEqual([unready])
    const other = { ...report, configHash: 'abcdef0123' }
    expect(texts({ report: other, mismatchSince: noon - minute })).toEqual([
      ['notice', 'runs another configuration (abcdef01) for 1m'],
    ])
    expect(texts({ report: other, mismatchSince: noon - 11 * minute })[0]![0]).toBe('warning')
  })

  test('is a refused reload, a file that differs, and a rollback that is due', () => {
    const config = status().config
    expect(of({ config: { ...config, differs: true } })[0]!.slice(1)).toEqual([
      'config.differs',
      'director d1',
      '/etc/lvskeeper/lvskeeper.yaml differs from what runs',
      'lvskeeper plan',
    ])
    const refused = { at: noon - minute, text: '2 errors' }
    expect(of({ config: { ...config, differs: true, refused } }).map(([, code]) => code)).toEqual(['config.rejected'])
    expect(of({ config: { ...config, confirmUntil: noon + minute } })[0]!.slice(3)).toEqual([
      'rolls back in 1m unless confirmed',
      'lvskeeper confirm',
    ])
  })

  test('is a role without a spare, once that has lasted', () => {
    const process = { state: 'running', since: noon, restarts: 0 } as const
    const lacking = (since: number, reason?: string) =>
      of({
        processes: [
          { role: 'vrrp', ...process, spare: { ready: true, pid: 7, since: noon - minute } },
          { role: 'checkers', ...process, spare: { ready: false, since, ...(reason ? { reason } : {}) } },
          { role: 'control', ...process },
        ],
      })
    expect(lacking(noon - 30_000)).toEqual([])
    const rest = 'if checkers dies, its work waits until another process has started'
    expect(lacking(noon - minute)).toEqual([
      [
        ...['notice', 'process.no-spare', 'process checkers', `no spare has stood ready for 1m: ${rest}`],
        'journalctl -u lvskeeper',
      ],
    ])
    expect(lacking(noon - minute, 'exit code 1')[0]![3]).toBe(
      `no spare has stood ready for 1m ("exit code 1"): ${rest}`,
    )
  })

  test('is a process that does not answer, with what stands still meanwhile', () => {
    const process = { pid: 4244, state: 'running', since: noon, restarts: 0 } as const
    const rest = 'if it stays so, it is killed and replaced'
    expect(
      of({
        processes: [
          { role: 'vrrp', ...process },
          { role: 'checkers', ...process, silentSince: noon - 3_000 },
        ],
      }),
    ).toEqual([
      [
        ...['warning', 'process.silent', 'process checkers'],
        `has not answered for 3s: stopped, hung, or without processor. Checks and table stand still, what is shown of them is of then; ${rest}`,
        'ps -o stat,wchan,pcpu -p 4244',
      ],
    ])
  })

  test('is a process that is dead or has died lately, a kernel that refuses, drift, a disk and a silent receiver', () => {
    const codes = of({
      processes: [
        { role: 'vrrp', state: 'dead', since: noon, restarts: 3, died: { at: noon, reason: 'SIGKILL' } },
        { role: 'control', state: 'running', since: noon, restarts: 1, died: { at: noon - minute, reason: 'exit 1' } },
        { role: 'checkers', state: 'running', since: noon, restarts: 1, died: { at: noon - 61 * minute, reason: 'x' } },
      ],
      table: {
        complete: false,
        repairs: 1,
        foreign: 0,
        failure: 'ENOMEM',
        lastRepair: { at: noon - minute, text: '2 servers' },
      },
      storage: ['events: ENOSPC'],
      alerts: [
        {
          name: 'ops',
          kind: 'webhook',
          queued: 3,
          sent: 0,
          failed: 4,
          dropped: 1,
          attempts: 4,
          failure: 'HTTP 500',
          oldest: noon - minute,
        },
      ],
    }).map(([level, code, subject, text]) => [level, code, subject, text])
    expect(codes).toEqual([
      ['alarm', 'process.dead', 'process vrrp', 'SIGKILL'],
      ['alarm', 'table.failure', 'table', 'the kernel refuses: ENOMEM'],
      ['warning', 'storage', 'director d1', 'events: ENOSPC'],
      ['warning', 'alert.failed', 'alert ops', '3 waiting, the oldest for 1m: HTTP 500'],
      ['notice', 'process.restarted', 'process control', 'died 1m ago (exit 1), running again'],
      ['notice', 'table.drift', 'table', 'changed behind our back and mended 1m ago: 2 servers'],
      ['notice', 'alert.dropped', 'alert ops', '1 given up since start'],
    ])
  })

  test('is a table that is compared less often than every second', () => {
    expect(of({ table: { complete: true, repairs: 0, foreign: 0, comparedEvery: 4 } })).toEqual([
      [
        'info',
        'table.slow',
        'table',
        'compared with the kernel every 4 s, not every second: one look takes long here',
        undefined,
      ],
    ])
  })

  test('is a doubt about what the other directors find on the way of the clients', () => {
    const found = of({ table: { complete: true, repairs: 0, foreign: 0, pathsDoubted: 3 } })
    expect(found).toEqual([
      [
        'alarm',
        'paths.doubted',
        'table',
        "the other directors find all 3 clients' paths broken: more likely their own trouble, so it does not count",
        "at another director: lvskeeper status, and its firewall's marks",
      ],
    ])
  })

  test('is our own trouble, which leaves every server as it looked', () => {
    const [check] = good.checks
    const last = { at: noon, latency: 0, passed: false, layer: 'SOCKERR', reason: 'local-error', detail: 'EMFILE' }
    const server = (over: object) => ({ ...good, checks: check ? [{ ...check, last, ...over }] : [] })
    const blind = (...over: object[]) => of({ services: [{ ...service, realServers: over.map(server) }] })
    expect(blind({}, {}, { last: check?.last })).toEqual([
      [
        'warning',
        'checks.own-trouble',
        'checks',
        '2 could not be made last time (EMFILE): their verdicts stay as they were',
        'lvskeeper explain web/10.9.0.21:80',
      ],
    ])
    expect(blind({}, { last: { ...last, detail: 'eth1 has no carrier' } })[0]?.[3]).toContain('(EMFILE and others)')
    // What a director may not probe itself the others tell; and before its first result a server has a notice of its own.
    expect(blind({ kind: 'client-path' }, { verdict: 'unknown' })).toEqual([])
  })

  test('is a want of watch connections', () => {
    const found = of({ table: { complete: true, repairs: 0, foreign: 0, unwatched: { targets: 12, room: 1024 } } })
    expect(found).toEqual([
      [
        'notice',
        'watch.lacking',
        'checks',
        "no watch connection for 12 servers' ports, there is room for 1024: these die unseen until their next check",
        'more: check_limits.watch_share, or LimitNOFILE of the unit',
      ],
    ])
  })

  test('comes with the gravest first', () => {
    const levels = status({
      overrides: [drained],
      services: [{ ...service, realServers: [bad], state: 'down' }],
    }).notices.map(({ level }) => level)
    expect(levels).toEqual(['alarm', 'warning', 'notice'])
  })
})
