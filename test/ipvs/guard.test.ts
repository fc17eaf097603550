import { describe, expect, test } from 'vitest'
import { type Guarded, type GuardInput, type GuardState, guard, isHeld, watching } from '../../src/ipvs/guard.js'

/** Twelve real servers in three services, the first `silent` of them silent since then. */
const servers = (silent: number, since = 1000, count = 12, services = 3): Guarded[] =>
  Array.from({ length: count }, (_, i) => ({
    service: `s${i % services}`,
    server: `10.9.0.${i}:80`,
    ...(i < silent ? { silentSince: since } : {}),
  }))
const input = (list: Guarded[], more: Partial<GuardInput> = {}): GuardInput => ({
  servers: list,
  evidence: { gateway: false },
  window: 2000,
  hold: 30_000,
  ...more,
})
const look = (list: Guarded[], more: Partial<GuardInput> = {}, state: GuardState = watching, now = 3000) =>
  guard(state, input(list, more), now)

describe('the mass failure guard', () => {
  test('holds the table when more than half fall silent at once and the gateway is gone as well', () => {
    const state = look(servers(7))
    expect(state).toEqual({
      state: 'holding',
      since: 3000,
      until: 33_000,
      reason: '7 of 12 real servers went silent at once, and the gateway does not answer either',
    })
    expect(isHeld(state, servers(7)[0]!)).toBe(true)
    expect(isHeld(state, servers(7)[11]!)).toBe(false)
  })
  test('takes a dead link or most neighbours gone for evidence, too', () => {
    expect(look(servers(7), { evidence: { links: false } }).state).toBe('holding')
    expect(look(servers(7), { evidence: { neighbours: { known: 5, gone: 3 } } }).state).toBe('holding')
  })
  test('believes the checks when nothing speaks against the director itself', () => {
    for (const evidence of [
      {},
      { gateway: true, links: true },
      { neighbours: { known: 4, gone: 2 } },
      { neighbours: { known: 0, gone: 0 } },
    ])
      expect(look(servers(12), { evidence })).toBe(watching)
  })
  test('is not for half of them, for fewer than 10, or for fewer than 3 services', () => {
    expect(look(servers(6))).toBe(watching)
    expect(look(servers(9, 1000, 9))).toBe(watching)
    expect(look(servers(12, 1000, 12, 2))).toBe(watching)
    expect(look(servers(10, 1000, 10)).state).toBe('holding')
  })
  test('does not count those that have been dead for long', () => {
    const slow = servers(12).map((one, i) => (i < 6 ? { ...one, silentSince: -60_000 } : one))
    expect(look(slow)).toBe(watching)
  })
  test('is off with a hold of 0', () => expect(look(servers(12), { hold: 0 })).toBe(watching))

  test('lets go at its deadline, and does not hold again until most answer', () => {
    const holding = look(servers(12))
    expect(look(servers(12), {}, holding, 32_999)).toBe(holding)
    const spent = look(servers(12), {}, holding, 33_000)
    expect(spent).toEqual({ state: 'spent' })
    expect(look(servers(12), {}, spent, 90_000)).toBe(spent)
    expect(look(servers(6), {}, spent, 90_000)).toEqual(watching)
  })
  test('lets go as soon as half of them answer or refuse', () => {
    expect(look(servers(6), {}, look(servers(12)), 4000)).toEqual(watching)
  })
})
