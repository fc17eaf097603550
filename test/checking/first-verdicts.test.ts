import { describe, expect, test } from 'vitest'
import { firstVerdict } from '../../src/checking/first-verdicts.js'
import type { FastTable, JournalContent, QuietReason } from '../../src/ipvs/ports.js'

const web = { ids: [{ protocol: 'tcp' as const, address: '10.9.0.100', port: 80 }] }
const server = {
  address: '10.9.0.21',
  port: 80,
  weight: 1,
  forward: 'dr' as const,
  upper: 0,
  lower: 0,
  tier: 0,
  checks: [],
  require: 'all' as const,
}
const key = 'tcp 10.9.0.100:80'
const held = (weight?: number): FastTable =>
  new Map([
    [
      key,
      {
        scheduler: 'rr',
        servers: new Map(
          weight === undefined ? [] : [['10.9.0.21:80', { forward: 'dr' as const, weight, active: 0, inactive: 0 }]],
        ),
      },
    ],
  ])
const journal = (quiet?: QuietReason): JournalContent => ({
  services: [key],
  daemons: [],
  quiet: quiet ? { [`${key}|10.9.0.21:80`]: quiet } : {},
})

describe('until its first check a real server counts', () => {
  test('as up, when the kernel has it with weight', () =>
    expect(firstVerdict(web, server, held(1), journal())).toBe('up'))
  test('as down, when it is missing from a service that we made', () =>
    expect(firstVerdict(web, server, held(), journal())).toBe('down'))
  test('as nothing, when the service is somebody else’s', () =>
    expect(firstVerdict(web, server, held(), { ...journal(), services: [] })).toBeUndefined())
  test('as nothing, when the kernel has no such service', () =>
    expect(firstVerdict(web, server, new Map(), journal())).toBeUndefined())
  test.each([
    ['down', 'down'],
    ['standby', 'up'],
    ['drain', undefined],
    [undefined, undefined],
  ] as const)('with weight 0, as the journal says: %s', (quiet, verdict) =>
    expect(firstVerdict(web, server, held(0), journal(quiet))).toBe(verdict),
  )
})
