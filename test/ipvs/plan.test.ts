import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyOps } from '../../src/ipvs/apply.js'
import { arrange } from '../../src/ipvs/arrange.js'
import { type Op, plan } from '../../src/ipvs/plan.js'
import type { Server, Service, Table } from '../../src/ipvs/table.js'
import { serverKey, serviceKey } from '../../src/ipvs/table.js'
import { table } from './arbitrary.js'

const web: Service = {
  id: { protocol: 'tcp', address: '10.9.0.100', port: 80 },
  settings: { scheduler: 'wrr', flags: [], onePacket: false },
}
const rs = (last: number, weight = 1): Server => ({
  address: `10.9.0.${last}`,
  port: 80,
  settings: { weight, forward: 'dr', upper: 0, lower: 0 },
})
const tableOf = (...servers: Server[]): Table =>
  new Map([[serviceKey(web.id), { service: web, servers: new Map(servers.map(one => [serverKey(one), one])) }]])
const brief = (ops: Op[]) =>
  ops.map(op => `${op.op}${'server' in op ? ` ${op.server.address} ${op.server.settings.weight}` : ''}`)

describe('the plan', () => {
  test('is empty when the table is as desired', () => {
    fc.assert(
      fc.property(table, one => {
        expect(plan(one, structuredClone(one))).toEqual([])
      }),
    )
  })

  test('turns any table into any other', () => {
    fc.assert(
      fc.property(table, table, (desired, actual) => {
        const { ops } = arrange(plan(desired, actual), desired, actual)
        expect(plan(desired, applyOps(actual, ops))).toEqual([])
      }),
    )
  })

  test('leaves the tables that it was given as they were', () => {
    fc.assert(
      fc.property(table, table, (desired, actual) => {
        const before = structuredClone(actual)
        applyOps(actual, plan(desired, actual))
        expect(actual).toEqual(before)
      }),
    )
  })

  test('creates a service before its real servers', () => {
    expect(brief(plan(tableOf(rs(21), rs(22)), new Map()))).toEqual([
      'add-service',
      'add-server 10.9.0.21 1',
      'add-server 10.9.0.22 1',
    ])
  })

  test('adds before it removes', () => {
    expect(brief(plan(tableOf(rs(22)), tableOf(rs(21))))).toEqual([
      'add-server 10.9.0.22 1',
      'remove-server 10.9.0.21 1',
    ])
  })

  test('raises weights before it lowers others', () => {
    expect(brief(plan(tableOf(rs(21, 0), rs(22, 5)), tableOf(rs(21, 5), rs(22, 0))))).toEqual([
      'edit-server 10.9.0.22 5',
      'edit-server 10.9.0.21 0',
    ])
  })

  test('removes a service with its real servers in one operation', () => {
    expect(brief(plan(new Map(), tableOf(rs(21), rs(22))))).toEqual(['remove-service'])
  })

  test('says what an edit replaces', () => {
    expect(plan(tableOf(rs(21, 2)), tableOf(rs(21, 1)))).toEqual([
      { op: 'edit-server', service: web, server: rs(21, 2), before: rs(21, 1) },
    ])
  })
})
