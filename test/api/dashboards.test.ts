import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createMetrics } from '../../src/api/metrics.js'
import { scopes } from '../../src/api/status-metrics.js'
import { noon, peer, router, status } from '../status/samples.js'

const root = resolve(import.meta.dirname, '../..')
const text = (file: string) => readFileSync(join(root, file), 'utf8')

/** The names that a director exports; every counter of a router included. */
async function exported(): Promise<Set<string>> {
  const words = [
    'advertisement-rcvd',
    'advertisement-sent',
    'priority-zero-pkts-rcvd',
    'priority-zero-pkts-sent',
    'master-transitions',
    'announcements',
    'vip-lost',
    'stalls',
    'two-masters',
    'checksum-plain',
    'vrid-error',
  ]
  const counters = Object.fromEntries(words.map(word => [word, 1]))
  const alerts = [{ name: 'ops', kind: 'webhook', queued: 0, sent: 1, failed: 0, dropped: 0, attempts: 0 }] as const
  const metrics = createMetrics()
  metrics.observe({
    at: noon,
    name: 'vrrp.state',
    level: 'notice',
    subject: 'router web',
    text: '',
    data: { from: 'backup', to: 'master' },
  })
  metrics.checked([{ check: 'homepage', kind: 'http', passed: 1, failed: { timeout: 1 }, buckets: [1], sum: 1 }], {
    checks: 1,
    inFlight: 0,
    queued: 0,
    lag: 0,
    watched: 1,
    unwatched: 0,
    knockedAt: 0,
    knocks: 0,
  })
  const known = { ...peer, report: { ...peer.report!, secrets: '0123456789abcdef' } }
  const { text } = await metrics.render(status({ routers: [{ ...router, counters }], alerts, peers: [known] }), [
    ...scopes,
    'compat',
  ])
  return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!))
}

/** Metric names in a query: everything with our prefix. */
const used = (query: string) =>
  [...query.matchAll(/\b(lvskeeper_[a-z0-9_]+)/g)].map(([, name]) => name!.replace(/_(bucket|sum|count)$/, ''))

test('docs/metrics.md lists every metric, and no other', async () => {
  const documented = new Set(
    [...text('docs/metrics.md').matchAll(/`((?:lvskeeper|keepalived|node_ipvs)_[a-z0-9_]+)`/g)].map(
      ([, name]) => name!,
    ),
  )
  const real = new Set([...(await exported())].filter(name => !name.startsWith('lvskeeper_control_')))
  expect([...documented].sort()).toEqual([...real].sort())
})

describe('the alert rules', () => {
  const { groups } = parse(text('deploy/prometheus/lvskeeper.rules.yml'))
  const rules = groups.flatMap(({ rules }: { rules: unknown[] }) => rules) as {
    alert: string
    expr: string
    labels: { severity: string }
    annotations: { summary: string }
  }[]

  test('ask only for metrics that exist', async () => {
    const real = await exported()
    const names = rules.flatMap(({ expr }) => used(expr))
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter(name => !real.has(name))).toEqual([])
  })

  test('have a name of their own, a severity and a sentence', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const { labels, annotations } of rules) {
      expect(['warning', 'critical']).toContain(labels.severity)
      expect(annotations.summary).toMatch(/\w/)
    }
  })
})

describe('the dashboard', () => {
  const dashboard = JSON.parse(text('deploy/grafana/lvskeeper.json')) as {
    panels: {
      id: number
      type: string
      gridPos: { x: number; y: number; w: number; h: number }
      targets?: { expr: string }[]
    }[]
  }

  test('asks only for metrics that exist', async () => {
    const real = await exported()
    const names = dashboard.panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => used(expr)))
    expect(names.length).toBeGreaterThan(15)
    expect(names.filter(name => !real.has(name))).toEqual([])
  })

  test('has panels that do not lie on each other', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  })
})
