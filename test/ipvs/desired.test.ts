import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Context, type Desired, desired } from '../../src/ipvs/desired.js'
import type { RealServerInput, SorryInput, VirtualServerInput } from '../../src/ipvs/inputs.js'
import type { FastTable } from '../../src/ipvs/ports.js'
import { type ServiceId, serverKey, serviceKey, type Table } from '../../src/ipvs/table.js'
import { realServer, rs, virtualServer, WEB, web } from './harness.js'

const sorry: SorryInput = { ...rs(90), inhibit: false }

/** Weights in the kernel by the last number of the address. */
function weights(result: Desired, id: ServiceId = WEB): Record<string, number> {
  const servers = result.table.get(serviceKey(id))?.servers ?? new Map()
  return Object.fromEntries([...servers.values()].map(one => [one.address.split(/[.:]/).at(-1), one.settings.weight]))
}
const decide = (
  servers: RealServerInput[],
  more: Partial<VirtualServerInput> = {},
  context: Partial<Context> = {},
): Desired => desired([virtualServer(servers, more)], { now: 0, ...context })
const outcome = (result: Desired) => result.services.get('web')!
const whyOf = (result: Desired, last: number) => outcome(result).servers.get(`10.9.0.${last}:80`)!

describe('a real server', () => {
  test('that is up is in the table with its weight', () => {
    expect(weights(decide([realServer(21, { settings: { ...rs(21).settings, weight: 7 } })]))).toEqual({ 21: 7 })
  })
  test('that is down is removed, or has weight 0 where that is asked for', () => {
    const down = { verdict: 'down' as const }
    expect(weights(decide([realServer(21, down), realServer(22, { ...down, inhibit: true })]))).toEqual({ 22: 0 })
  })
  test('without nat listens on the service’s own port, with nat where it says', () => {
    const at8080 = (forward: 'nat' | 'dr') => realServer(21, { port: 8080, settings: { ...rs(21).settings, forward } })
    const keys = (server: RealServerInput) => [...decide([server]).table.get(serviceKey(WEB))!.servers.keys()]
    expect(keys(at8080('nat'))).toEqual(['10.9.0.21:8080'])
    expect(keys(at8080('dr'))).toEqual(['10.9.0.21:80'])
    expect(keys({ ...at8080('nat'), port: 0 })).toEqual(['10.9.0.21:80'])
  })
  test('of the other address family is only there through a tunnel', () => {
    const six: ServiceId = { protocol: 'tcp', address: 'fd00:9::100', port: 80 }
    const tunnel = realServer(22, { settings: { ...rs(22).settings, forward: 'tun' } })
    expect(weights(decide([realServer(21), tunnel], { ids: [six] }), six)).toEqual({ 22: 1 })
  })
  test('is in every service of a group', () => {
    const other: ServiceId = { mark: 7, family: 4 }
    const result = decide([realServer(21)], { ids: [WEB, other] })
    expect([...result.table.get(serviceKey(other))!.servers.keys()]).toEqual(['10.9.0.21:0'])
    expect(weights(result)).toEqual({ 21: 1 })
    expect(result.names.get('mark 7 ipv4')).toBe('web')
  })
})

describe('before the first verdict', () => {
  const unknown = [realServer(21, { verdict: 'unknown' })]
  const holding = (weight: number): Table =>
    new Map([[serviceKey(WEB), { service: web, servers: new Map([[serverKey(rs(21)), rs(21, weight)]]) }]])

  test('a real server that the kernel has with weight stays with the weight of the file', () => {
    expect(weights(decide(unknown, {}, { actual: holding(9) }))).toEqual({ 21: 1 })
  })
  test('one that the kernel has with weight 0 stays so, whatever the file says of the start', () => {
    expect(weights(decide(unknown, { start: 'up' }, { actual: holding(0) }))).toEqual({ 21: 0 })
  })
  test('one that the kernel does not have follows the file', () => {
    const starts = (['check', 'down', 'up'] as const).map(start => weights(decide(unknown, { start })))
    expect(starts).toEqual([{}, {}, { 21: 1 }])
  })
  test('no sorry server answers while a missing verdict may yet make the quorum', () => {
    const result = decide(unknown, { sorry })
    expect(weights(result)).toEqual({})
    expect(outcome(result)).toMatchObject({ state: 'down', pending: true, sorry: false })
  })
  test('the sorry server answers where real servers start down, until the quorum is there', () => {
    expect(weights(decide(unknown, { sorry, start: 'down' }))).toEqual({ 90: 1 })
    const two = [...unknown, realServer(22)]
    expect(weights(decide(two, { sorry, start: 'down' }))).toEqual({ 22: 1 })
    expect(weights(decide(two, { sorry, start: 'down', quorum: 2 }))).toEqual({ 90: 1 })
    expect(weights(decide(two, { sorry, start: 'check', quorum: 2 }))).toEqual({ 22: 1 })
  })
  test('one real server may start otherwise than its virtual server', () => {
    const up = { ...unknown[0]!, start: 'up' as const }
    const other = realServer(22, { verdict: 'unknown' })
    expect(weights(decide([up, other]))).toEqual({ 21: 1 })
    expect(weights(decide([up, { ...other, start: 'down' }], { start: 'up' }))).toEqual({ 21: 1 })
    const before = decide([other], { start: 'down' })
    expect(weights(decide([{ ...other, start: 'up' }], { start: 'down' }, { before }))).toEqual({ 22: 1 })
  })
})

describe('quorum', () => {
  const servers = (up: number) =>
    [21, 22, 23, 24].map((last, i) => realServer(last, { verdict: i < up ? 'up' : 'down' }))
  const states = (history: number[], more: Partial<VirtualServerInput>) => {
    let before: Desired | undefined
    return history.map(up => {
      before = decide(servers(up), more, before ? { before } : {})
      return outcome(before).state
    })
  }

  test('is reached by weight, and lost below it', () => {
    expect(states([4, 3, 2, 1, 2, 3, 4], { quorum: 3 })).toEqual(['up', 'up', 'down', 'down', 'down', 'up', 'up'])
  })
  test('has hysteresis: up at quorum + h, down below quorum - h', () => {
    expect(states([4, 2, 1, 0, 1, 2, 3], { quorum: 2, hysteresis: 1 })).toEqual([
      'up',
      'up',
      'up',
      'down',
      'down',
      'down',
      'up',
    ])
  })
  test('cannot be more than all real servers weigh together', () => {
    expect(states([4, 3], { quorum: 99 })).toEqual(['up', 'down'])
  })
  test('of nothing at all is never there', () => {
    expect(outcome(decide([realServer(21, { settings: { ...rs(21).settings, weight: 0 } })])).state).toBe('down')
    expect(outcome(decide([], { quorum: 0 })).state).toBe('up')
  })
  test('lost: the sorry server answers alone; without one, what is up goes on', () => {
    expect(weights(decide(servers(1), { quorum: 2, sorry }))).toEqual({ 90: 1 })
    expect(weights(decide(servers(1), { quorum: 2 }))).toEqual({ 21: 1 })
  })
  test('lost with inhibit: the real servers that are up stay with weight 0', () => {
    const inhibiting = servers(1).map(server => ({ ...server, inhibit: true }))
    expect(weights(decide(inhibiting, { quorum: 2, sorry }))).toEqual({ 21: 0, 22: 0, 23: 0, 24: 0, 90: 1 })
  })
  test('there: an inhibited sorry server waits with weight 0', () => {
    expect(weights(decide(servers(4), { sorry: { ...sorry, inhibit: true } }))).toMatchObject({ 21: 1, 90: 0 })
  })
  test('a sorry server that is also a real server is there once', () => {
    const both = { ...rs(21), inhibit: true }
    expect(weights(decide(servers(4), { sorry: both }))).toEqual({ 21: 1, 22: 1, 23: 1, 24: 1 })
  })
})

describe('backup tiers', () => {
  const tiers = (up: number) => [
    ...[21, 22].map((last, i) => realServer(last, { verdict: i < up ? 'up' : 'down' })),
    realServer(31, { tier: 1 }),
    realServer(41, { tier: 2 }),
  ]
  test('the second tier waits with weight 0 while the first suffices', () => {
    expect(weights(decide(tiers(2), { tierMinimum: 2 }))).toEqual({ 21: 1, 22: 1, 31: 0, 41: 0 })
  })
  test('it joins below the minimum, and the third after it', () => {
    expect(weights(decide(tiers(1), { tierMinimum: 2 }))).toEqual({ 21: 1, 31: 1, 41: 0 })
    expect(weights(decide(tiers(0), { tierMinimum: 2 }))).toEqual({ 31: 1, 41: 1 })
    expect(weights(decide(tiers(0)))).toEqual({ 31: 1, 41: 0 })
  })
  test('with sh and dh, which send clients to weight 0 and lose them, it waits outside', () => {
    const settings = { ...web.settings, scheduler: 'sh' as const }
    expect(weights(decide(tiers(2), { settings }))).toEqual({ 21: 1, 22: 1 })
  })
})

describe('overrides', () => {
  const said = (override: RealServerInput['override'], verdict: 'up' | 'down' = 'up') => {
    const result = decide([realServer(21, { verdict, ...(override ? { override } : {}) }), realServer(22)])
    return { weight: weights(result)[21], state: whyOf(result, 21).state, up: outcome(result).weightUp }
  }
  test('maint: out at once', () =>
    expect(said({ verb: 'maint' })).toEqual({ weight: undefined, state: 'maint', up: 1 }))
  test('weight: counts for the quorum too', () =>
    expect(said({ verb: 'weight', weight: 5 })).toEqual({ weight: 5, state: 'up', up: 6 }))
  test('weight does not revive the dead', () =>
    expect(said({ verb: 'weight', weight: 5 }, 'down')).toEqual({ weight: undefined, state: 'down', up: 1 }))
  test('force-up and force-down win over the verdict', () => {
    expect(said({ verb: 'force-up' }, 'down')).toEqual({ weight: 1, state: 'up', up: 2 })
    expect(said({ verb: 'force-down' })).toEqual({ weight: undefined, state: 'down', up: 1 })
  })
  test('what a server wishes for itself counts when no order says otherwise', () => {
    const wish = (one: RealServerInput['wish'], override?: RealServerInput['override']) =>
      weights(
        decide([
          realServer(21, {
            settings: { ...rs(21).settings, weight: 10 },
            ...(one ? { wish: one } : {}),
            ...(override ? { override } : {}),
          }),
        ]),
      )[21]
    expect([wish({ percent: 25 }), wish({ percent: 1 }), wish({ percent: 0 }), wish({ weight: 3 })]).toEqual([
      3, 1, 0, 3,
    ])
    expect([
      wish({ state: 'drain' }),
      wish({ state: 'maint' }),
      wish({ state: 'maint' }, { verb: 'force-up' }),
    ]).toEqual([0, undefined, 10])
    expect(wish({ percent: 25 }, { verb: 'weight', weight: 8 })).toBe(8)
  })
  test('the guard keeps a dead server in the table and does not call it alive', () => {
    const result = decide([realServer(21, { verdict: 'down', held: true })])
    expect([weights(result), whyOf(result, 21).state]).toEqual([{ 21: 1 }, 'down'])
  })
})

describe('a drain', () => {
  const drain = (more: object = {}) => realServer(21, { override: { verb: 'drain', ...more } })
  const fast = (weight: number, active: number, inactive: number): FastTable =>
    new Map([
      [
        serviceKey(WEB),
        {
          scheduler: 'wrr',
          servers: new Map([[serverKey(rs(21)), { forward: 'dr' as const, weight, active, inactive }]]),
        },
      ],
    ])
  const at = (now: number, view: FastTable | undefined, server = drain(), before?: Desired) =>
    decide([server, realServer(22)], {}, { now, ...(view ? { fast: view } : {}), ...(before ? { before } : {}) })

  test('sets weight 0 first, and waits for connections to end', () => {
    expect(weights(at(0, fast(1, 0, 0)))).toEqual({ 21: 0, 22: 1 })
    expect(whyOf(at(0, fast(0, 3, 4)), 21)).toMatchObject({
      state: 'drain',
      weight: 0,
      why: 'draining: 3 active and 4 inactive connections left',
    })
  })
  test('trusts no count that is older than the weight 0, nor none at all', () => {
    expect(weights(at(0, undefined))).toEqual({ 21: 0, 22: 1 })
    expect(weights(at(0, fast(1, 0, 0)))).toEqual({ 21: 0, 22: 1 })
  })
  test('removes the server when nothing is left', () => {
    const done = at(0, fast(0, 0, 0))
    expect(weights(done)).toEqual({ 22: 1 })
    expect(whyOf(done, 21)).toMatchObject({ state: 'drain', why: 'drained: no connections left' })
  })
  test('waits for UDP and half-closed connections, which are the inactive ones, unless told not to', () => {
    expect(weights(at(0, fast(0, 0, 2)))).toEqual({ 21: 0, 22: 1 })
    expect(weights(at(0, fast(0, 0, 2), drain({ inactive: false })))).toEqual({ 22: 1 })
  })
  test('ends at its deadline, whatever is left, and wakes for it', () => {
    const server = drain({ deadline: 5000 })
    expect(at(0, fast(0, 9, 9), server).next).toBe(5000)
    expect(weights(at(5000, fast(0, 9, 9), server))).toEqual({ 22: 1 })
  })
  test('ends at once when the server dies', () => {
    expect(weights(at(0, fast(0, 9, 9), { ...drain(), verdict: 'down' }))).toEqual({ 22: 1 })
  })
  test('once done stays done until the order ends', () => {
    const done = at(0, fast(0, 0, 0))
    expect(weights(at(1000, fast(0, 5, 0), drain(), done))).toEqual({ 22: 1 })
    expect(weights(at(1000, fast(0, 0, 0), realServer(21), done))).toEqual({ 21: 1, 22: 1 })
  })
  test('does not count for the quorum', () => {
    expect(outcome(at(0, fast(0, 3, 3))).weightUp).toBe(1)
  })
})

describe('slow start', () => {
  const ramp = (now: number, others = [realServer(22)]) =>
    decide([realServer(21, { upSince: 0 }), ...others], { slowStart: 20_000 }, { now })

  test('raises the weight in steps of 5 % against the others, which are scaled with it', () => {
    const seen = [0, 5000, 10_000, 19_999].map(now => weights(ramp(now)))
    expect(seen).toEqual([
      { 21: 1, 22: 20 },
      { 21: 5, 22: 20 },
      { 21: 10, 22: 20 },
      { 21: 19, 22: 20 },
    ])
    expect(whyOf(ramp(5000), 21).why).toBe('slow start: 25 %')
  })
  test('ends with the weights of the file', () => {
    expect(weights(ramp(20_000))).toEqual({ 21: 1, 22: 1 })
    expect(ramp(20_000).next).toBeUndefined()
  })
  test('wakes for each step, no more often than once a second', () => {
    expect(ramp(0).next).toBe(1000)
    expect(decide([realServer(21, { upSince: 0 }), realServer(22)], { slowStart: 100_000 }).next).toBe(5000)
  })
  test('is pointless where nobody carries the rest', () => {
    expect(weights(ramp(0, []))).toEqual({ 21: 1 })
    expect(weights(ramp(0, [realServer(22, { upSince: 0 })]))).toEqual({ 21: 1, 22: 1 })
  })
})

describe('what is said as before', () => {
  const entry = (result: Desired) => result.table.get(serviceKey(WEB))
  test('gives the very same entry, however the input was built', () => {
    const before = decide([realServer(21), realServer(22)])
    expect(entry(decide([realServer(21), realServer(22)], {}, { before }))).toBe(entry(before))
  })
  test('of all virtual servers in their order gives the very same answer, and another one where one comes, goes or changes its place', () => {
    const [a, b] = ['a', 'b'].map((name, n) =>
      virtualServer([realServer(21)], { name, ids: [{ protocol: 'tcp', address: '10.9.0.100', port: 80 + n }] }),
    ) as [VirtualServerInput, VirtualServerInput]
    const before = desired([a, b], { now: 0 })
    expect(desired([{ ...a }, b], { now: 5, before })).toBe(before)
    for (const other of [[b, a], [a], [a, b, { ...a, name: 'c' }], [a, { ...b, quorum: 2 }]]) {
      const { parts: _, ...anew } = desired(other, { now: 5, before })
      const { parts: __, ...plain } = desired(other, { now: 5 })
      expect([anew, [...anew.services.keys()]]).toEqual([plain, other.map(({ name }) => name)])
    }
  })
  test('is computed again where anything at all differs', () => {
    const before = decide([realServer(21), realServer(22)], { slowStart: 20_000 })
    const again = (server: Partial<RealServerInput>, more: Partial<VirtualServerInput> = {}) =>
      entry(decide([realServer(21), realServer(22, server)], { slowStart: 20_000, ...more }, { before, now: 10 })) ===
      entry(before)
    expect(again({})).toBe(true)
    const differences: Partial<RealServerInput>[] = [
      { address: '10.9.0.23' },
      { port: 81 },
      { verdict: 'down' },
      { inhibit: true },
      { held: true },
      { tier: 1 },
      { upSince: 5 },
      { settings: { ...rs(22).settings, weight: 2 } },
      { override: { verb: 'maint' } },
      { override: { verb: 'drain', deadline: 5 } },
      { wish: { weight: 5 } },
      { wish: { state: 'drain' } },
    ]
    for (const one of differences) expect(again(one), JSON.stringify(one)).toBe(false)
    for (const one of [
      { quorum: 2 },
      { hysteresis: 1 },
      { sorry },
      { settings: { ...web.settings, scheduler: 'rr' as const } },
    ])
      expect(again({}, one), JSON.stringify(one)).toBe(false)
  })
  test('is computed again while it follows from time or from connections', () => {
    const ramping = () => [realServer(21, { upSince: 0 }), realServer(22)]
    const before = decide(ramping(), { slowStart: 20_000 })
    expect(weights(decide(ramping(), { slowStart: 20_000 }, { before, now: 10_000 }))).toEqual({ 21: 10, 22: 20 })
  })
})

describe('whatever is said', () => {
  const server: fc.Arbitrary<RealServerInput> = fc
    .record({
      last: fc.integer({ min: 1, max: 5 }),
      verdict: fc.constantFrom('up' as const, 'down' as const, 'unknown' as const),
      inhibit: fc.boolean(),
      tier: fc.nat(2),
      weight: fc.nat(3),
      verb: fc.constantFrom(undefined, 'drain' as const, 'maint' as const, 'force-up' as const, 'force-down' as const),
    })
    .map(({ last, weight, verb, ...rest }) => ({
      ...realServer(last, rest),
      settings: { ...rs(last).settings, weight },
      ...(verb ? { override: { verb } } : {}),
    }))
  const input = fc.record({
    servers: fc.uniqueArray(server, { selector: one => one.address }),
    quorum: fc.nat(6),
    hysteresis: fc.nat(3),
    sorry: fc.option(fc.constant(sorry), { nil: undefined }),
    tierMinimum: fc.nat(4),
  })

  test('the service is there, a dead or withdrawn server never has weight, and a sorry server never shares', () => {
    fc.assert(
      fc.property(input, ({ servers, sorry: apology, ...more }) => {
        const result = decide(servers, { ...more, ...(apology ? { sorry: apology } : {}) })
        expect(result.table.size).toBe(1)
        const table = weights(result)
        for (const one of servers) {
          const weight = table[one.address.split('.')[3]!] ?? 0
          const dead = one.override ? one.override.verb !== 'force-up' : one.verdict === 'down'
          if (dead) expect(weight).toBe(0)
          if (outcome(result).sorry) expect(weight).toBe(0)
        }
        expect((table[90] ?? 0) > 0).toBe(outcome(result).sorry)
      }),
      { numRuns: 500 },
    )
  })
})

describe('what was computed before', () => {
  const verdicts = fc.constantFrom('up' as const, 'down' as const, 'unknown' as const)
  const moment = fc.record({
    verdicts: fc.tuple(verdicts, verdicts, verdicts),
    drain: fc.boolean(),
    /** What the kernel holds of it: nothing, what was wanted last, or what somebody else put there. */
    kernel: fc.constantFrom('nothing', 'wanted', 0, 1, 2),
  })
  const words = {
    quorum: fc.integer({ min: 0, max: 3 }),
    hysteresis: fc.integer({ min: 0, max: 2 }),
    start: fc.constantFrom('check' as const, 'up' as const, 'down' as const),
    sorry: fc.constantFrom(undefined, sorry, { ...sorry, inhibit: true }),
  }

  test('is taken again only where computing it anew says the same', () => {
    fc.assert(
      fc.property(fc.record(words), fc.array(moment, { maxLength: 12 }), ({ sorry: other, ...more }, history) => {
        let before: Desired | undefined
        for (const [now, at] of history.entries()) {
          const actual: Table = heldBy(at.kernel, before)
          const input = virtualServer(
            at.verdicts.map((verdict, i) =>
              realServer(21 + i, { verdict, ...(at.drain && i === 0 ? { override: { verb: 'drain' as const } } : {}) }),
            ),
            { ...more, ...(other ? { sorry: other } : {}) },
          )
          const context = { now, actual, fast: new Map() }
          const anew = desired([input], { ...context, ...(before ? { before: { ...before, parts: new Map() } } : {}) })
          const taken = desired([input], { ...context, ...(before ? { before } : {}) })
          expect(said(taken)).toEqual(said(anew))
          before = taken
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('keeps its entries while verdicts are missing, once the kernel has them', () => {
    const input = virtualServer([realServer(21), realServer(22, { verdict: 'unknown' })])
    let result = desired([input], { now: 0, actual: new Map() })
    const first = result.table.get(serviceKey(WEB))
    for (let now = 1; now < 4; now++) {
      result = desired([input], { now, actual: result.table, before: result })
      expect(result.table.get(serviceKey(WEB))).toBe(first)
    }
  })

  function heldBy(kernel: string | number, before: Desired | undefined): Table {
    if (kernel === 'wanted') return before?.table ?? new Map()
    if (typeof kernel === 'string') return new Map()
    const servers = [rs(21, kernel), rs(23, kernel)]
    return new Map([[serviceKey(WEB), { service: web, servers: new Map(servers.map(one => [serverKey(one), one])) }]])
  }

  const said = ({ table, services, quiet }: Desired) => ({ table, services, quiet })
})
