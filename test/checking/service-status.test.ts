import { expect, test } from 'vitest'
import type { Report } from '../../checkers/entry.js'
import { serviceStatus } from '../../src/checking/service-status.js'
import type { CheckStatus } from '../../src/messages.js'

/** What status has of the one check of a real server that is down. */
function statusOf(more: Pick<Report, 'held' | 'knocks'>): CheckStatus | undefined {
  const report = {
    name: 'port',
    kind: 'tcp',
    health: { verdict: 'down', streak: 0 },
    since: 1,
    last: undefined,
    ...more,
  }
  const config = { name: 'web', ids: [], settings: { scheduler: 'rr' }, quorum: 1 }
  const server = { address: '10.9.0.21', port: 80, weight: 1, forward: 'dr', checks: [{}] }
  const member = { service: config, server, checkKeys: ['key'], verdict: 'down', since: 1 }
  const pool = { services: () => new Map([['web', { config, members: [member] }]]), overrideOf: () => undefined }
  const held = { held: () => false, reason: () => undefined }
  const status = serviceStatus(
    'web',
    pool as unknown as Parameters<typeof serviceStatus>[1],
    { report: () => report as unknown as Report },
    undefined,
    undefined,
    0,
    { held, leaks: [], stuck: () => 0 },
  )
  return status?.realServers[0]?.checks[0]
}

test('a check that is held down says until when, or that it waits for an operator', () => {
  const before = Date.now()
  const held = statusOf({ held: { falls: 3, forMs: 5_000 } })?.held
  expect(held).toEqual({ falls: 3, until: expect.any(Number) })
  expect(typeof held === 'object' && held.until - before).toBeGreaterThanOrEqual(5_000)
  expect(statusOf({ held: 'manual-resume' })?.held).toBe('manual-resume')
})

test('one that is knocked at says how often; any other says nothing of either', () => {
  expect(statusOf({ held: undefined, knocks: { every: 200, made: 7 } })?.knocks).toEqual({ every: 200, made: 7 })
  expect(statusOf({ held: undefined })).toEqual({ name: 'port', kind: 'tcp', verdict: 'down', streak: 0, since: 1 })
})
