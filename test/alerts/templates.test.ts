import { describe, expect, test } from 'vitest'
import { alertmanagerAlerts } from '../../src/alerts/alertmanager.js'
import { backoff } from '../../src/alerts/backoff.js'
import { condition } from '../../src/alerts/condition.js'
import { message } from '../../src/alerts/mail.js'
import { pagerdutyEvent } from '../../src/alerts/pagerduty.js'
import { slackMessage } from '../../src/alerts/slack.js'
import { batchOf, down, failover, noon, up } from './samples.js'

describe('what an event means', () => {
  test('down begins a condition and up ends the same one', () => {
    expect(condition(down)).toEqual({ key: 'server.down server web/10.9.0.21:80', phase: 'trigger' })
    expect(condition(up)).toEqual({ key: 'server.down server web/10.9.0.21:80', phase: 'resolve' })
  })

  test('what a person did is news, whatever its verb', () => {
    expect(condition({ ...down, name: 'audit.ready' }).phase).toBe('note')
  })

  test('a failover is news, a fault lasts until it is left', () => {
    const to = (from: string, to: string) => condition({ ...failover, data: { from, to } })
    expect(to('backup', 'master').phase).toBe('note')
    expect(to('master', 'fault')).toEqual({ key: 'vrrp.fault router web', phase: 'trigger' })
    expect(to('fault', 'backup')).toEqual({ key: 'vrrp.fault router web', phase: 'resolve' })
  })
})

describe('the pause between attempts', () => {
  test('doubles up to five minutes, spread over its upper half', () => {
    expect([1, 2, 3, 4, 9, 10, 1_000].map(attempts => backoff(attempts, 1))).toEqual([
      1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000,
    ])
    expect(backoff(3, 0)).toBe(2_000)
  })

  test('is what the receiver asks for, within bounds', () => {
    expect([10, 30_000, 86_400_000].map(wish => backoff(1, 1, wish))).toEqual([1_000, 30_000, 300_000])
  })
})

describe('PagerDuty, Events API v2', () => {
  test('gets a trigger and a resolve with the same deduplication key', () => {
    const trigger = pagerdutyEvent(batchOf(down), 'routing')
    expect(trigger).toEqual({
      routing_key: 'routing',
      event_action: 'trigger',
      dedup_key: 'd1 server.down server web/10.9.0.21:80',
      payload: {
        summary: '[d1] web/10.9.0.21:80 is down: connection refused',
        source: 'd1',
        severity: 'warning',
        timestamp: '2026-03-01T12:00:00.000Z',
        component: 'server web/10.9.0.21:80',
        class: 'server.down',
        custom_details: { reason: 'refused' },
      },
      client: 'lvskeeper',
    })
    expect(pagerdutyEvent(batchOf(up), 'routing')).toMatchObject({
      event_action: 'resolve',
      dedup_key: trigger.dedup_key,
    })
  })

  test('opens a new incident for each failover', () => {
    const [first, second] = [batchOf(failover), batchOf(failover)]
    const other = { ...second, alerts: [{ ...second.alerts[0], id: 'id-9' }] } as typeof second
    expect(pagerdutyEvent(first, 'k').dedup_key).not.toBe(pagerdutyEvent(other, 'k').dedup_key)
  })

  test('takes keys of at most 255 and summaries of at most 1024 characters', () => {
    const long = { ...down, subject: 's'.repeat(2_000), text: 't'.repeat(2_000) }
    const { dedup_key, payload } = pagerdutyEvent(batchOf(long), 'k')
    expect([dedup_key.length, payload.summary.length]).toEqual([64, 1024])
  })
})

describe('Alertmanager, API v2', () => {
  test('gets the same labels at the end as at the beginning, and the time of the end', () => {
    const [begin] = alertmanagerAlerts(batchOf(down))
    const resolved = batchOf(up)
    const [end] = alertmanagerAlerts({ ...resolved, alerts: [{ ...resolved.alerts[0], severity: 'warning' }] })
    expect(begin!.labels).toEqual({
      alertname: 'server.down',
      node: 'd1',
      subject: 'server web/10.9.0.21:80',
      severity: 'warning',
    })
    expect(end!.labels).toEqual(begin!.labels)
    expect(end!.endsAt).toBe('2026-03-01T12:00:05.000Z')
    expect(Date.parse(begin!.endsAt)).toBeGreaterThan(noon)
  })
})

describe('Slack', () => {
  test('gets the headline, the lines and the colour of the gravest, with nothing left to its markup', () => {
    const grave = { ...down, level: 'alarm' as const, text: 'a <b> & c' }
    expect(slackMessage(batchOf(failover, grave))).toEqual({
      text: '[d1] a &lt;b&gt; &amp; c (and 1 more)',
      attachments: [
        {
          color: '#d63031',
          text: '2026-03-01T12:00:00.000Z notice vrrp.state web: backup -&gt; master, 10.9.0.11 silent\n2026-03-01T12:00:00.000Z alarm server.down a &lt;b&gt; &amp; c',
        },
      ],
    })
  })

  test('shows an end in green', () => {
    expect(slackMessage(batchOf(up)).attachments[0]!.color).toBe('#00a65a')
  })
})

describe('a mail', () => {
  test('has one line as subject, whatever the event said', () => {
    const { subject } = message({ from: 'a@b', to: ['c@d'] }, batchOf({ ...down, text: 'two\r\nlines: x' }))
    expect(subject).toBe('[d1] two lines: x')
  })

  test('counts beyond fifty lines', () => {
    const many = Array.from({ length: 60 }, () => down)
    expect(message({ from: 'a@b', to: ['c@d'] }, batchOf(down, ...many)).text).toContain('... and 11 more\n')
  })
})
