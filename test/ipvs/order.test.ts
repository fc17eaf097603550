import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyOps } from '../../src/ipvs/apply.js'
import { arrange } from '../../src/ipvs/arrange.js'
import { desired } from '../../src/ipvs/desired.js'
import { ipvsadmLine, ipvsadmLines } from '../../src/ipvs/ipvsadm.js'
import { inOrder } from '../../src/ipvs/order.js'
import { type Op, plan } from '../../src/ipvs/plan.js'
import { type Scheduler, type Server, type Service, serverKey, serviceKey, type Table } from '../../src/ipvs/table.js'
import { fakeKernel } from '../fakes/kernel.js'
import { bench, realServer, rs, virtualServer, WEB, web } from './harness.js'

const key = serviceKey(WEB)
const hashing = (scheduler: Scheduler): Service => ({ ...web, settings: { ...web.settings, scheduler } })
const mh = hashing('mh')
/** With the newest first, as the kernel lists them. */
const listed = (service: Service, ...servers: Server[]): Table =>
  new Map([[key, { service, servers: new Map(servers.map(one => [serverKey(one), one])) }]])
const wanted = (service: Service, ...lasts: (number | Server)[]): Table => {
  const servers = lasts.map(one => (typeof one === 'number' ? rs(one) : one))
  return new Map([[key, { service, servers: inOrder(new Map(servers.map(one => [serverKey(one), one]))) }]])
}
const lasts = (table: Table) =>
  [...(table.get(key)?.servers.values() ?? [])].map(one => Number(one.address.split('.')[3]))
const number = ({ address, settings }: Server) =>
  `${address.split('.')[3]}${settings.weight === 1 ? '' : `=${settings.weight}`}`
const brief = (ops: readonly Op[]) =>
  ops.map(op =>
    op.op === 'order-servers'
      ? `move ${op.servers.map(number).join(' ')}`
      : 'server' in op
        ? `${op.op.replace('-server', '')} ${number(op.server)}${op.op === 'edit-server' && op.again ? ' again' : ''}`
        : op.op,
  )
const way = (to: Table, from: Table) => arrange(plan(to, from), to, from).ops

describe('the order of the real servers of a hashing scheduler', () => {
  test.each(['mh', 'sh', 'dh'] as const)('%s: a service begins in order, whatever the file says', scheduler => {
    const service = virtualServer(
      [22, 31, 21, 9].map(last => realServer(last)),
      { settings: hashing(scheduler).settings },
    )
    const { table } = desired([service], { now: 0 })
    expect(brief(way(table, new Map()))).toEqual(['add-service', 'add 9', 'add 21', 'add 22', 'add 31'])
  })

  test('is by number, not by text, IPv4 before IPv6, and by port', () => {
    const all = ['10.9.0.100:80', '10.9.0.21:80', '10.9.0.21:443', '9.9.9.9:80', '[fd00::2]:80', '[fd00::10]:80']
    const servers = all.map(text => {
      const [, address = '', port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(text) ?? []
      return [text, { ...rs(1), address, port: Number(port) }] as const
    })
    expect([...inOrder(new Map(servers)).keys()].reverse()).toEqual([
      '9.9.9.9:80',
      '10.9.0.21:80',
      '10.9.0.21:443',
      '10.9.0.100:80',
      '[fd00::2]:80',
      '[fd00::10]:80',
    ])
  })

  test('one that comes up later gets its place: those that stand before it are taken out and put back behind it', () => {
    expect(brief(way(wanted(mh, 21, 22, 23, 24), listed(mh, rs(24), rs(23), rs(21))))).toEqual(['add 22', 'move 23 24'])
  })

  test('several get theirs in one go', () => {
    const from = listed(mh, rs(25), rs(23), rs(21))
    expect(brief(way(wanted(mh, 21, 22, 23, 24, 25), from))).toEqual(['add 22', 'move 23', 'add 24', 'move 25'])
  })

  test('the newest address costs no move', () => {
    expect(brief(way(wanted(mh, 21, 22, 25), listed(mh, rs(22), rs(21))))).toEqual(['add 25'])
  })

  test('one that goes moves nobody', () => {
    expect(brief(way(wanted(mh, 21, 23), listed(mh, rs(23), rs(22), rs(21))))).toEqual(['remove 22'])
  })

  test('a wrong one is put right with as few moves as there can be', () => {
    expect(brief(way(wanted(mh, 21, 22, 23), listed(mh, rs(21), rs(23), rs(22))))).toEqual(['move 22 23'])
    expect(brief(way(wanted(mh, 21, 22, 23), listed(mh, rs(22), rs(23), rs(21))))).toEqual(['move 23'])
  })

  test('does not matter to other schedulers', () => {
    expect(way(listed(web, rs(21), rs(22)), listed(web, rs(22), rs(21)))).toEqual([])
  })

  test('is not known of a service that had another scheduler: all are moved', () => {
    const ops = way(wanted(mh, 21, 22), listed(web, rs(22), rs(21)))
    expect(brief(ops)).toEqual(['edit-service', 'move 21 22'])
  })

  test('what is moved keeps the weight that the same batch gives it', () => {
    const from = listed(mh, rs(24), rs(23), rs(21))
    expect(brief(way(wanted(mh, 21, 22, rs(23, 5), 24), from))).toEqual(['edit 23=5', 'add 22', 'move 23=5 24'])
  })

  test('is told as the commands that do the same, and of many the first few', () => {
    const [add, move] = way(wanted(mh, 21, 22, 23), listed(mh, rs(23), rs(21)))
    expect([add, move].flatMap(op => ipvsadmLines(op!))).toEqual([
      'ipvsadm -a -t 10.9.0.100:80 -r 10.9.0.22:80 -g -w 1',
      'ipvsadm -d -t 10.9.0.100:80 -r 10.9.0.23:80',
      'ipvsadm -a -t 10.9.0.100:80 -r 10.9.0.23:80 -g -w 1',
    ])
    const many: Op = { op: 'order-servers', service: mh, servers: Array.from({ length: 50 }, (_, i) => rs(i)) }
    expect(ipvsadmLine(many)).toMatch(/^ipvsadm -d .* && \.\.\. \(96 more\)$/)
  })

  test('from any order and set to any other, in one batch', () => {
    const some = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(2)), { selector: ([last]) => last })
    const kind = fc.constantFrom('mh' as const, 'sh' as const, 'dh' as const, 'wrr' as const)
    fc.assert(
      fc.property(kind, kind, some, some, (to, before, next, now) => {
        const goal = wanted(hashing(to), ...next.map(([last, weight]) => rs(last, weight)))
        const from = listed(hashing(before), ...now.map(([last, weight]) => rs(last, weight)))
        const ops = way(goal, from)
        const after = applyOps(from, ops)
        expect(plan(goal, after)).toEqual([])
        const placed = (table: Table) =>
          [...(table.get(key)?.servers.values() ?? [])]
            .filter(one => to === 'sh' || to === 'dh' || one.settings.weight > 0)
            .map(one => one.address)
        if (to !== 'wrr') expect(placed(after)).toEqual(placed(goal))
      }),
    )
  })
})

describe('weight 0 with mh', () => {
  test('is given by taking out and putting back: only then the clients go to others', () => {
    expect(brief(way(wanted(mh, rs(21, 0), 22), listed(mh, rs(22), rs(21))))).toEqual(['edit 21=0 again'])
  })

  test('has no place: nobody is moved because of it', () => {
    expect(way(wanted(mh, rs(21, 0), 22), listed(mh, rs(21, 0), rs(22)))).toEqual([])
  })

  test('once it is more, the place is taken', () => {
    expect(brief(way(wanted(mh, 21, 22), listed(mh, rs(21, 0), rs(22))))).toEqual(['edit 21', 'move 22'])
  })

  test.each(['sh', 'dh', 'wrr'] as const)('%s: is an edit like any other', scheduler => {
    const service = hashing(scheduler)
    expect(brief(way(wanted(service, rs(21, 0), 22), listed(service, rs(22), rs(21))))).toEqual(['edit 21=0'])
  })
})

describe('the table manager, of a hashing service', () => {
  const input = (...up: number[]) =>
    virtualServer(
      [21, 22, 23, 24].map(last => realServer(last, { verdict: up.includes(last) ? 'up' : 'down' })),
      { settings: mh.settings },
    )

  async function running(...up: number[]) {
    const kernel = fakeKernel()
    const table = bench(kernel.kernel, [input(...up)])
    await table.manager.start()
    kernel.took()
    return { kernel, table }
  }

  test('has one order after any history', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.subarray([21, 22, 23, 24]), fc.boolean())), async history => {
        const { kernel, table } = await running(23)
        for (const [up, inhibit] of history) {
          const { servers, ...rest } = input(...up)
          await table.say({ ...rest, servers: servers.map(one => ({ ...one, inhibit })) })
          await table.advance(300)
        }
        await table.say(input(21, 22, 24))
        expect(lasts(kernel.table())).toEqual([24, 22, 21])
        await table.advance(5000)
        expect(table.events()).toEqual([])
      }),
      { numRuns: 50 },
    )
  })

  test('puts right what it finds when it starts, and says nothing', async () => {
    const kernel = fakeKernel()
    kernel.behindItsBack({ op: 'add-service', service: mh }, ...[24, 21, 23].map(last => add(last)))
    const table = bench(kernel.kernel, [input(21, 23, 24)])
    await table.manager.start()
    expect(lasts(kernel.table())).toEqual([24, 23, 21])
    expect(table.events()).toEqual([])
  })

  test('puts right within a second what somebody else took out and put back, and says so', async () => {
    const { kernel, table } = await running(21, 22, 23)
    kernel.behindItsBack({ op: 'remove-server', service: mh, server: rs(21) }, add(21))
    expect(lasts(kernel.table())).toEqual([21, 23, 22])
    await table.advance(1000)
    expect(lasts(kernel.table())).toEqual([23, 22, 21])
    const [event, ...more] = table.events()
    expect(event).toMatchObject({ name: 'table.drift', subject: 'service web', data: { answer: 'repaired' } })
    expect(event!.text).toContain('changed the order of the real servers of web')
    expect(more).toEqual([])
  })

  test('leaves it after three repairs in a minute, and adds new ones all the same', async () => {
    const { kernel, table } = await running(21, 22, 23)
    for (let i = 0; i < 4; i++) {
      kernel.behindItsBack({ op: 'remove-server', service: mh, server: rs(21) }, add(21))
      await table.advance(1000)
    }
    expect(lasts(kernel.table())).toEqual([21, 23, 22])
    expect(table.events().map(event => event.name)).toContain('table.contested')
    expect(table.manager.state().left).toEqual([`${key}|order`])
    kernel.took()
    await table.advance(5000)
    expect(kernel.took()).toEqual([])
    await table.say(input(21, 22, 23, 24))
    expect(lasts(kernel.table()).sort()).toEqual([21, 22, 23, 24])
  })

  test('with drift: report only reports it', async () => {
    const { kernel, table } = await running(21, 22)
    table.wish.drift = 'report'
    kernel.behindItsBack({ op: 'remove-server', service: mh, server: rs(21) }, add(21))
    await table.advance(3000)
    expect(lasts(kernel.table())).toEqual([21, 22])
    expect(table.events().map(event => event.data!['answer'])).toEqual(['reported'])
  })

  test.each(['report', 'repair'] as const)(
    'moves nobody for a scheduler that somebody else set and that stays (drift: %s)',
    async mode => {
      const { kernel, table } = await running(21, 22, 23)
      table.wish.drift = mode
      const edit: Op = { op: 'edit-service', service: hashing('lc'), before: mh }
      for (let i = 0; i < 4; i++) {
        kernel.behindItsBack(edit)
        // What a quick look sees.
        await table.advance(1000)
      }
      expect(kernel.table().get(key)!.service.settings.scheduler).toBe('lc')
      kernel.took()
      await table.advance(20_000)
      expect(kernel.took()).toEqual([])
    },
  )

  test('one that is refused does not move the others again and again', async () => {
    const { kernel, table } = await running(21, 23)
    kernel.failAt(1, 'ENOMEM', true)
    await table.say(input(21, 22, 23))
    kernel.took()
    await table.advance(10_000)
    expect(kernel.took()).toEqual([])
    kernel.failAt(0, '')
    await table.advance(120_000)
    expect(lasts(kernel.table())).toEqual([23, 22, 21])
  })

  test.each(['report', 'repair'] as const)(
    'one that is lost half-way comes back, and nobody is blamed (drift: %s)',
    async mode => {
      const { kernel, table } = await running(21, 23)
      table.wish.drift = mode
      kernel.losesNextMove('ENOMEM')
      await table.say(input(21, 22, 23))
      await table.advance(5000)
      expect(lasts(kernel.table())).toEqual([23, 22, 21])
      expect(table.manager.state()).toMatchObject({ complete: true, left: [] })
      expect(table.events().map(event => event.name)).not.toContain('table.drift')
    },
  )

  test('a large one waits until its real servers rest, has not caught up meanwhile, and then moves once', async () => {
    const all = Array.from({ length: 200 }, (_, i) => i + 1)
    const large = (...down: number[]) =>
      virtualServer(
        all.map(last => realServer(last, { verdict: down.includes(last) ? 'down' : 'up' })),
        {
          settings: mh.settings,
        },
      )
    const kernel = fakeKernel()
    const table = bench(kernel.kernel, [large(1, 2, 3)])
    await table.manager.start()
    kernel.took()
    for (const down of [[1, 2], [1], []]) {
      await table.say(large(...down))
      await table.advance(1500)
    }
    expect(brief(kernel.took())).toEqual(['add 3', 'add 2', 'add 1'])
    expect(table.manager.state().ordered).toBe(false)
    await table.advance(1500)
    const moves = kernel.took()
    expect(moves.map(op => op.op)).toEqual(['order-servers'])
    expect(lasts(kernel.table())).toEqual([...all].reverse())
    expect(table.manager.state().ordered).toBe(true)
    expect(table.events()).toEqual([])
  })

  test('drains without moving anybody', async () => {
    const { kernel, table } = await running(21, 22, 23)
    const drained = input(21, 22, 23)
    await table.say({
      ...drained,
      servers: drained.servers.map(one =>
        one.address.endsWith('.22') ? { ...one, override: { verb: 'drain' } } : one,
      ),
    })
    expect(brief(kernel.took())).toEqual(['edit 22=0 again'])
    await table.advance(1000)
    expect(brief(kernel.took())).toEqual(['remove 22=0'])
  })

  function add(last: number): Op {
    return { op: 'add-server', service: mh, server: rs(last) }
  }
})
