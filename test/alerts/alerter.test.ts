import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AlertConfig } from '../../src/alerts/alert.js'
import { type Alerter, createAlerter } from '../../src/alerts/alerter.js'
import { sign } from '../../src/alerts/webhook.js'
import type { Event } from '../../src/messages.js'
import { receiver } from './receiver.js'
import { down, failover, up } from './samples.js'

let stateDir = ''
const open: Alerter[] = []
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'lvskeeper-alerts-'))
})
afterEach(() => {
  for (const alerter of open.splice(0)) alerter.stop()
  rmSync(stateDir, { recursive: true, force: true })
})

/** As the control process wires it: what the alerter reports comes back to it as an event. Waiting runs fifty times as fast. */
function alerter(alerts: readonly AlertConfig[], { master = true } = {}) {
  const reported: Event[] = []
  const speed = 50
  const made: Alerter = createAlerter({
    alerts,
    stateDir,
    node: 'd1',
    master: () => master,
    report: event => {
      reported.push(event)
      made.raise(event)
    },
    clock: {
      now: () => performance.now() * speed,
      at(deadline, wake) {
        const timer = setTimeout(wake, Math.max(0, deadline / speed - performance.now()))
        return () => clearTimeout(timer)
      },
      epoch: () => Date.now(),
      random: () => 0.5,
    },
  })
  open.push(made)
  return { ...made, reported }
}
const now = (event: Event): Event => ({ ...event, at: Date.now() })
const until = (check: () => void) => vi.waitFor(check, { timeout: 4_000, interval: 10 })
const quiet = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('a webhook', () => {
  test('is told of a failover and of a real server going down and up, in order', async () => {
    const hook = await receiver()
    const { raise } = alerter([{ webhook: { url: hook.url } }])
    for (const [index, event] of [failover, down, up].entries()) {
      raise(now(event))
      await until(() => expect(hook.received).toHaveLength(index + 1))
    }
    expect(hook.bodies().map(({ node, event, resolve, key }) => [node, event.name, resolve, key])).toEqual([
      ['d1', 'vrrp.state', false, 'vrrp.state router web'],
      ['d1', 'server.down', false, 'server.down server web/10.9.0.21:80'],
      ['d1', 'server.up', true, 'server.down server web/10.9.0.21:80'],
    ])
    expect(hook.bodies()[1].text).toBe('[d1] web/10.9.0.21:80 is down: connection refused')
    await hook.close()
  })

  test('gets a signature that the receiver can verify with the key file', async () => {
    const hook = await receiver()
    const secretFile = join(stateDir, 'hook.key')
    writeFileSync(secretFile, 'shared secret\n')
    alerter([{ webhook: { url: hook.url, secretFile } }]).raise(now(down))
    await until(() => expect(hook.received).toHaveLength(1))
    const [{ headers, text }] = hook.received as [(typeof hook.received)[0]]
    expect(headers['x-lvskeeper-signature']).toBe(`sha256=${sign('shared secret', text)}`)
    expect(headers['x-lvskeeper-signature']).not.toBe(`sha256=${sign('shared secret', `${text} `)}`)
    await hook.close()
  })

  test.each([[500], [503], [429], ['reset'], ['hang']] as const)('that answers %s is tried again', async answer => {
    const hook = await receiver(answer)
    const { raise, queue, reported } = alerter([{ name: 'ops', webhook: { url: hook.url, timeout: 200 } }])
    raise(now(down))
    await until(() => expect(hook.received).toHaveLength(2))
    await until(() => expect(queue()[0]).toMatchObject({ queued: 0, sent: 1, failed: 1 }))
    expect(hook.received[0]!.text).toBe(hook.received[1]!.text)
    expect(reported.map(({ name }) => name)).toEqual(['alert.failed', 'alert.recovered'])
    await hook.close()
  })

  test('that does not exist shows in the queue, with the reason', async () => {
    const hook = await receiver()
    await hook.close()
    const { raise, queue } = alerter([{ webhook: { url: hook.url } }])
    raise(now(down))
    await until(() => expect(queue()[0]!.failed).toBeGreaterThan(1))
    expect(queue()[0]).toMatchObject({ name: 'webhook-1', queued: 1, sent: 0 })
    expect(queue()[0]!.failure).toContain('ECONNREFUSED')
  })

  test('that refuses one message for what it is does not stop the next ones', async () => {
    const hook = await receiver(400, 400, 400, 400, 400)
    const { raise, reported, queue } = alerter([{ webhook: { url: hook.url } }])
    raise(now(down))
    await until(() => expect(queue()[0]!.dropped).toBe(1))
    raise(now(failover))
    await until(() => expect(hook.received).toHaveLength(6))
    const drop = reported.find(({ name }) => name === 'alert.dropped')
    expect(drop?.text).toBe('1 alert for webhook-1 given up: refused 5 times: HTTP 400: no, thank you')
    await hook.close()
  })
})

describe('the queue', () => {
  test('outlives a restart: nothing is lost, and nothing that was delivered is sent again', async () => {
    const hook = await receiver(200, 500, 500, 500, 500, 500, 500)
    const first = alerter([{ webhook: { url: hook.url } }])
    first.raise(now(failover))
    await until(() => expect(first.queue()[0]!.sent).toBe(1))
    first.raise(now(down))
    await until(() => expect(first.queue()[0]!.failed).toBeGreaterThan(0))
    first.stop()
    const other = await receiver()
    const second = alerter([{ webhook: { url: other.url } }])
    await until(() => expect(other.received).toHaveLength(1))
    await until(() => expect(second.queue()[0]!.queued).toBe(0))
    expect(other.bodies().map(({ event }) => event.name)).toEqual(['server.down'])
    await Promise.all([hook.close(), other.close()])
  })

  test('remembers over a restart which conditions it has told of, and tells of their end', async () => {
    const hook = await receiver()
    const first = alerter([{ webhook: { url: hook.url }, events: ['server.down'] }])
    first.raise(now(down))
    await until(() => expect(first.queue()[0]!.sent).toBe(1))
    first.stop()
    const second = alerter([{ webhook: { url: hook.url }, events: ['server.down'] }])
    second.raise(now(down))
    second.raise(now(up))
    await until(() => expect(hook.received).toHaveLength(2))
    expect(hook.bodies()[1]).toMatchObject({ resolve: true, key: 'server.down server web/10.9.0.21:80' })
    await hook.close()
  })

  test('has a bound, and says how many it gave up', async () => {
    const hook = await receiver('hang')
    const { raise, queue, reported } = alerter([{ webhook: { url: hook.url } }])
    for (let i = 0; i < 1_010; i++) raise(now({ ...failover, text: `${i}` }))
    expect(queue()[0]).toMatchObject({ queued: 1_000, dropped: 10 })
    expect(reported.map(({ name }) => name)).toContain('alert.dropped')
    await hook.close()
  })

  test('gives up what is too old to matter, and says so', async () => {
    const hook = await receiver(500)
    const { raise, queue, reported } = alerter([{ webhook: { url: hook.url }, keep: 1_000 }])
    raise({ ...down, at: Date.now() - 990 })
    await until(() => expect(queue()[0]!.dropped).toBe(1))
    expect(reported.at(-1)?.name).toBe('alert.dropped')
    await hook.close()
  })

  test('is small on disk again when it is empty', async () => {
    const hook = await receiver()
    const { raise, queue } = alerter([{ name: 'ops', webhook: { url: hook.url } }])
    const filler = 'x'.repeat(50_000)
    for (let i = 0; i < 40; i++) raise(now({ ...failover, text: `${i} ${filler}` }))
    await until(() => expect(queue()[0]!.queued).toBe(0))
    expect(readFileSync(join(stateDir, 'alerts', 'ops.jsonl')).length).toBeLessThan(2 << 20)
    await hook.close()
  })
})

describe('the last words before a stop', () => {
  test('go out at once, grouped or not', async () => {
    const hook = await receiver()
    const { raise, flush, queue } = alerter([{ webhook: { url: hook.url }, group: 3_600_000 }])
    raise(now(failover))
    await flush(1_000)
    raise(now({ ...failover, name: 'director.stopped', text: 'stopped' }))
    await flush(1_000)
    expect(hook.bodies().map(({ event }) => event.name)).toEqual(['vrrp.state', 'director.stopped'])
    expect(queue()[0]).toMatchObject({ queued: 0 })
    await hook.close()
  })

  test('do not hold the stop up where nobody listens', async () => {
    const hook = await receiver('hang', 'hang')
    const { raise, flush, queue } = alerter([{ webhook: { url: hook.url } }])
    raise(now(failover))
    const started = performance.now()
    await flush(200)
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(queue()[0]).toMatchObject({ queued: 1 })
    await hook.close()
  })
})

describe('what goes out', () => {
  test('together happens together: a mass failure is one message', async () => {
    const hook = await receiver()
    const { raise } = alerter([{ webhook: { url: hook.url } }])
    for (let i = 1; i <= 50; i++)
      raise(now({ ...down, subject: `server web/10.9.0.${i}:80`, text: `10.9.0.${i} is down` }))
    await until(() => expect(hook.received).toHaveLength(1))
    expect(hook.bodies()[0].alerts).toHaveLength(50)
    expect(hook.bodies()[0].text).toBe('[d1] 10.9.0.1 is down (and 49 more)')
    await hook.close()
  })

  test('is at most one message per grouping time', async () => {
    const hook = await receiver()
    const { raise } = alerter([{ webhook: { url: hook.url }, group: 15_000 }])
    raise(now(failover))
    await until(() => expect(hook.received).toHaveLength(1))
    for (let i = 0; i < 5; i++) {
      raise(now(failover))
      await quiet(20)
    }
    expect(hook.received).toHaveLength(1)
    await until(() => expect(hook.received).toHaveLength(2))
    expect(hook.bodies()[1].alerts).toHaveLength(5)
    await hook.close()
  })

  test('is limited in its rate; what waits is joined, not lost', async () => {
    const hook = await receiver()
    const { raise } = alerter([{ webhook: { url: hook.url }, limit: { messages: 2, per: 25_000 } }])
    for (let i = 0; i < 6; i++) {
      raise(now({ ...failover, text: `${i}` }))
      await quiet(40)
    }
    expect(hook.received).toHaveLength(2)
    await until(() => expect(hook.received).toHaveLength(3))
    expect(hook.bodies().flatMap(({ alerts }) => alerts.map(({ event }: { event: Event }) => event.text))).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
    ])
    await hook.close()
  })

  test('is said once per condition, until it ends; with `repeat` again while it lasts', async () => {
    const hook = await receiver()
    const { raise } = alerter([
      { webhook: { url: hook.url } },
      { webhook: { url: hook.url, headers: { 'x-which': 'repeating' } }, repeat: 1 },
    ])
    raise(now(down))
    await until(() => expect(hook.received).toHaveLength(2))
    raise(now(down))
    await until(() => expect(hook.received).toHaveLength(3))
    expect(hook.received[2]!.headers['x-which']).toBe('repeating')
    raise(now(up))
    await until(() => expect(hook.received).toHaveLength(5))
    raise(now(down))
    await until(() => expect(hook.received).toHaveLength(7))
    await hook.close()
  })

  test('is chosen by name and level', async () => {
    const hook = await receiver()
    const { raise, queue } = alerter([
      { webhook: { url: hook.url }, events: ['vrrp.*'] },
      { webhook: { url: hook.url }, level: 'alarm' },
      { webhook: { url: hook.url } },
    ])
    raise(now(failover))
    raise(now({ ...down, level: 'warning' }))
    raise(now({ ...down, name: 'table.filled', level: 'info' }))
    await until(() => expect(queue().map(({ sent }) => sent)).toEqual([1, 0, 2]))
    await hook.close()
  })

  test('is chosen by what it is about', async () => {
    const hook = await receiver()
    const about = (subjects: string[]) => ({ webhook: { url: hook.url }, subjects })
    const { raise, queue } = alerter([
      about(['router web']),
      about(['router mail']),
      about(['service web']),
      about(['server web/10.9.0.21']),
      about(['server *:80', 'director d2']),
      { webhook: { url: hook.url }, to: ['fault'] },
    ])
    for (const event of [failover, down, { ...down, name: 'service.down', subject: 'service web' }]) raise(now(event))
    await until(() => expect(queue().map(({ sent }) => sent)).toEqual([1, 0, 2, 1, 1, 0]))
    await hook.close()
  })

  test('comes from the directors that it names', async () => {
    const hook = await receiver()
    const { raise, queue } = alerter([
      { name: 'ours', webhook: { url: hook.url }, directors: ['d1'] },
      { name: 'theirs', webhook: { url: hook.url }, directors: ['d2'] },
    ])
    raise(now(failover))
    await until(() => expect(queue()).toMatchObject([{ name: 'ours', sent: 1 }]))
    await hook.close()
  })

  test('without `send_resolved` is no end that the filters leave out, and the next beginning is told again', async () => {
    const hook = await receiver()
    const { raise } = alerter([{ webhook: { url: hook.url }, events: ['server.down'], sendResolved: false }])
    for (const event of [down, up, down]) raise(now(event))
    await until(() => expect(hook.bodies().flatMap(({ alerts }) => alerts)).toHaveLength(2))
    const names = hook.bodies().flatMap(({ alerts }) => alerts.map(({ event }: { event: Event }) => event.name))
    expect(names).toEqual(['server.down', 'server.down'])
    await hook.close()
  })

  test('ends the condition of what is not in the configuration any more, once, also after a restart', async () => {
    const hook = await receiver()
    const first = alerter([{ webhook: { url: hook.url } }])
    first.raise(now({ ...down, level: 'alarm' }))
    await until(() => expect(first.queue()[0]!.sent).toBe(1))
    first.settle(() => true)
    first.stop()
    const second = alerter([{ webhook: { url: hook.url } }])
    second.settle(subject => subject !== down.subject)
    second.settle(subject => subject !== down.subject)
    await until(() => expect(second.queue()[0]!.sent).toBe(1))
    expect(hook.bodies()).toHaveLength(2)
    expect(hook.bodies()[1]).toMatchObject({
      resolve: true,
      key: 'server.down server web/10.9.0.21:80',
      text: '[d1] server web/10.9.0.21:80 is not in the configuration any more',
      alerts: [{ severity: 'alarm' }],
    })
    await hook.close()
  })

  test('of `only_master` channels comes from a master; the end of what it told comes from it in any state', async () => {
    const hook = await receiver()
    const master = alerter([{ webhook: { url: hook.url }, onlyMaster: true }])
    master.raise(now(down))
    await until(() => expect(master.queue()[0]!.sent).toBe(1))
    master.stop()
    const backup = alerter([{ webhook: { url: hook.url }, onlyMaster: true }], { master: false })
    backup.raise(now(failover))
    backup.raise(now(up))
    await until(() => expect(hook.received).toHaveLength(2))
    expect(hook.bodies()[1].alerts.map(({ event }: { event: Event }) => event.name)).toEqual(['server.up'])
    await hook.close()
  })

  test('about a failing channel goes to the other channels, not to itself', async () => {
    const good = await receiver()
    const bad = await receiver()
    await bad.close()
    const { raise } = alerter([
      { name: 'bad', webhook: { url: bad.url } },
      { name: 'good', webhook: { url: good.url } },
    ])
    raise(now(failover))
    await until(() => {
      const names = good.bodies().flatMap(({ alerts }) => alerts.map(({ event }: { event: Event }) => event.name))
      expect(names).toEqual(['vrrp.state', 'alert.failed'])
    })
    await good.close()
  })
})
