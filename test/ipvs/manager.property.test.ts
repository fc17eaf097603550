import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RealServerInput } from '../../src/ipvs/inputs.js'
import type { Op } from '../../src/ipvs/plan.js'
import { plan } from '../../src/ipvs/plan.js'
import { type Service, serviceKey } from '../../src/ipvs/table.js'
import { fakeKernel } from '../fakes/kernel.js'
import { bench, FOREIGN, realServer, rs, virtualServer, WEB, web } from './harness.js'

const tls: Service = { ...web, id: { ...WEB, port: 443 } }
const service = fc.constantFrom(web, tls)
const last = fc.integer({ min: 21, max: 24 })

/** What anybody might do behind our back; some of it makes no sense at that moment, and then does nothing. */
const hand: fc.Arbitrary<Op> = fc.oneof(
  service.map(one => ({ op: 'remove-service' as const, service: one })),
  service.map(one => ({
    op: 'edit-service' as const,
    service: { ...one, settings: { ...one.settings, scheduler: 'lc' as const } },
    before: one,
  })),
  fc.tuple(service, last).map(([one, n]) => ({ op: 'remove-server' as const, service: one, server: rs(n) })),
  fc
    .tuple(service, last, fc.nat(5))
    .map(([one, n, w]) => ({ op: 'edit-server' as const, service: one, server: rs(n, w), before: rs(n) })),
  // Put in, or taken out and put back: it is the newest then.
  fc
    .tuple(service, fc.array(last, { minLength: 1, maxLength: 3 }))
    .map(([one, some]) => ({ op: 'order-servers' as const, service: one, servers: some.map(n => rs(n)) })),
)
const scheduler = fc.constantFrom('wrr' as const, 'mh' as const, 'sh' as const)
const server: fc.Arbitrary<RealServerInput> = fc
  .tuple(
    last,
    fc.constantFrom('up' as const, 'down' as const),
    fc.boolean(),
    fc.constantFrom(undefined, 'drain' as const, 'maint' as const),
  )
  .map(([n, verdict, inhibit, verb]) => realServer(n, { verdict, inhibit, ...(verb ? { override: { verb } } : {}) }))
const said = fc.uniqueArray(server, { selector: one => one.address, maxLength: 4 })

type Step =
  | { readonly what: 'hand'; readonly op: Op }
  | {
      readonly what: 'say'
      readonly web: readonly RealServerInput[]
      readonly tls: readonly RealServerInput[] | undefined
    }
  | { readonly what: 'fail'; readonly n: number; readonly code: string }
  | { readonly what: 'wait'; readonly ms: number }
const step: fc.Arbitrary<Step> = fc.oneof(
  hand.map(op => ({ what: 'hand' as const, op })),
  fc.record({ what: fc.constant('say' as const), web: said, tls: fc.option(said, { nil: undefined }) }),
  fc.record({
    what: fc.constant('fail' as const),
    n: fc.integer({ min: 1, max: 4 }),
    code: fc.constantFrom('ENOENT', 'EEXIST', 'ESRCH', 'ENOMEM', 'EINVAL', 'ENOBUFS'),
  }),
  fc.record({ what: fc.constant('wait' as const), ms: fc.integer({ min: 10, max: 20_000 }) }),
)

test('whatever is done behind its back, said or refused: left in peace, the table becomes as it shall be, and foreign services stay', async () => {
  await fc.assert(
    fc.asyncProperty(scheduler, fc.array(step, { maxLength: 25 }), async (kind, steps) => {
      const settings = { ...web.settings, scheduler: kind }
      const kernel = fakeKernel()
      kernel.behindItsBack(
        { op: 'add-service', service: FOREIGN },
        { op: 'add-server', service: FOREIGN, server: rs(99) },
      )
      const table = bench(kernel.kernel, [virtualServer([realServer(21)], { settings })])
      await table.manager.start()
      for (const one of steps) {
        if (one.what === 'hand' && kernel.table().has(serviceKey(one.op.service.id))) kernel.behindItsBack(one.op)
        if (one.what === 'fail') kernel.failAt(one.n, one.code)
        if (one.what === 'wait') await table.advance(one.ms)
        if (one.what === 'say')
          await table.say(
            virtualServer(one.web, { settings }),
            ...(one.tls ? [virtualServer(one.tls, { name: 'tls', ids: [tls.id], settings })] : []),
          )
      }
      kernel.failAt(0, '')
      // Longer than the longest back-off, and than the truce after a fight.
      await table.advance(800_000)
      const { desired, left, complete } = table.manager.state()
      const mine = new Map([...kernel.table()].filter(([key]) => key !== serviceKey(FOREIGN.id)))
      expect(plan(desired!.table, mine)).toEqual([])
      expect([left, complete]).toEqual([[], true])
      expect([...kernel.table().get(serviceKey(FOREIGN.id))!.servers.values()]).toEqual([rs(99)])
    }),
    { numRuns: 40 },
  )
}, 60_000)
