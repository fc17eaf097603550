import { describe, expect, test } from 'vitest'
import type { QuietReason } from '../../src/ipvs/ports.js'
import { seedVerdict } from '../../src/ipvs/seed.js'
import { serverKey, serviceKey, type Table } from '../../src/ipvs/table.js'
import { rs, WEB, web } from './harness.js'

const holding = (weight: number): Table =>
  new Map([[serviceKey(WEB), { service: web, servers: new Map([[serverKey(rs(21)), rs(21, weight)]]) }]])
const verdict = (kernel: Table, reason?: QuietReason) =>
  seedVerdict([{ mark: 1, family: 4 }, WEB], rs(21), kernel, {
    services: [],
    daemons: [],
    quiet: reason ? { 'tcp 10.9.0.100:80|10.9.0.21:80': reason } : {},
  })

describe('before its first check a real server counts as', () => {
  test('up, where the kernel has it with weight', () => expect(verdict(holding(1))).toBe('up'))
  test('what the journal says, where the kernel has it with weight 0', () => {
    const said = ([undefined, 'down', 'standby', 'drain', 'maint', 'weight'] as const).map(one =>
      verdict(holding(0), one),
    )
    expect(said).toEqual(['unknown', 'down', 'up', 'unknown', 'unknown', 'unknown'])
  })
  test('nothing, where the kernel does not have it', () => expect(verdict(new Map())).toBeUndefined())
})
