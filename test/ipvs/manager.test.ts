import { describe, expect, test } from 'vitest'
import { desired } from '../../src/ipvs/desired.js'
import { planGlobals } from '../../src/ipvs/globals.js'
import { manager } from '../../src/ipvs/manager.js'
import { plan } from '../../src/ipvs/plan.js'
import { serviceKey } from '../../src/ipvs/table.js'
import { fakeKernel } from '../fakes/kernel.js'
import { bench, FOREIGN, memoryJournal, realServer, rs, virtualClock, virtualServer, web } from './harness.js'

const weights = (kernel: ReturnType<typeof fakeKernel>) =>
  Object.fromEntries(
    [...(kernel.table().get(serviceKey(web.id))?.servers ?? [])].map(([key, server]) => [
      key.split(':')[0]!.split('.')[3]!,
      server.settings.weight,
    ]),
  )

async function running(inputs = [virtualServer([realServer(21), realServer(22)])], journal = memoryJournal()) {
  const kernel = fakeKernel()
  kernel.behindItsBack({ op: 'add-service', service: FOREIGN }, { op: 'add-server', service: FOREIGN, server: rs(99) })
  const table = bench(kernel.kernel, inputs, journal)
  await table.manager.start()
  kernel.took()
  table.events()
  return { kernel, table }
}

describe('the table manager', () => {
  test('programs what is wanted at start', async () => {
    const { kernel, table } = await running()
    expect(weights(kernel)).toEqual({ 21: 1, 22: 1 })
    expect(table.manager.state().complete).toBe(true)
  })

  test('has answered a look only when a pass that began after it is done', async () => {
    const { table } = await running()
    expect(table.manager.state()).toMatchObject({ asked: 1, answered: 1 })
    table.manager.look()
    table.manager.look()
    expect(table.manager.state()).toMatchObject({ complete: true, asked: 3, answered: 1 })
    await table.manager.settled()
    expect(table.manager.state()).toMatchObject({ asked: 3, answered: 3 })
  })

  test('answers when what is wanted has been carried out, though looks never end', async () => {
    const { kernel, table } = await running()
    table.wish.inputs = [virtualServer([realServer(21), realServer(22, { verdict: 'down' })])]
    const endless = setInterval(() => table.manager.look(), 0)
    table.manager.look()
    await table.manager.answered()
    expect(weights(kernel)).toEqual({ 21: 1 })
    table.manager.look()
    const ended = table.manager.answered()
    await table.manager.stop({ clear: false })
    await ended
    clearInterval(endless)
  })

  test('looks at the table every second, and less often only where that would take more than a third of the time', async () => {
    const fake = fakeKernel()
    let reads = 0
    let takes = 0
    const time = virtualClock()
    // A look at the clock while the kernel is being read: each read takes what the test says.
    let extra = 0
    const kernel = {
      ...fake.kernel,
      async listFast() {
        reads++
        const found = await fake.kernel.listFast()
        extra += takes
        return found
      },
    }
    const clock = { ...time.clock, now: () => time.clock.now() + extra }
    const one = manager(
      { kernel, clock, journal: memoryJournal().journal },
      {
        want: context => desired([virtualServer([realServer(21)])], context),
        globals: () => ({}),
        drift: () => 'repair',
        onEvent: () => {},
      },
    )
    await one.start()
    const during = async (ms: number) => {
      const before = reads
      await time.advance(ms, () => one.settled())
      return reads - before
    }
    expect(await during(10_000)).toBe(10)
    expect(one.state().comparedEvery).toBe(1000)
    takes = 300
    await during(5_000)
    expect(one.state().comparedEvery).toBe(1000)
    takes = 2_000
    expect(await during(30_000)).toBeLessThanOrEqual(6)
    expect(one.state().comparedEvery).toBe(6000)
    takes = 9_000
    await during(60_000)
    expect(one.state().comparedEvery).toBe(10_000)
    await one.stop({ clear: false })
  })

  test('does nothing where nothing is to do', async () => {
    const { kernel, table } = await running()
    table.manager.look()
    await table.manager.settled()
    await table.advance(120_000)
    expect(kernel.took()).toEqual([])
    expect(table.events()).toEqual([])
  })

  test('adopts what the kernel holds already, without touching it', async () => {
    const kernel = fakeKernel()
    kernel.behindItsBack({ op: 'add-service', service: web }, { op: 'add-server', service: web, server: rs(21) })
    const table = bench(kernel.kernel, [virtualServer([realServer(21, { verdict: 'unknown' })])])
    await table.manager.start()
    expect(kernel.took()).toEqual([])
    expect(table.events()).toEqual([])
    expect(table.manager.state().desired!.services.get('web')!.servers.get('10.9.0.21:80')).toMatchObject({
      state: 'unknown',
      weight: 1,
    })
  })

  test('removes a server added by hand to a service of the file: it is drift', async () => {
    const kernel = fakeKernel()
    kernel.behindItsBack({ op: 'add-service', service: web }, { op: 'add-server', service: web, server: rs(66) })
    const table = bench(kernel.kernel, [virtualServer([realServer(21)])])
    await table.manager.start()
    expect(weights(kernel)).toEqual({ 21: 1 })
  })

  test('sends exactly the change when one verdict changes', async () => {
    const { kernel, table } = await running()
    await table.say(virtualServer([realServer(21), realServer(22, { verdict: 'down' })]))
    expect(kernel.took()).toEqual([{ op: 'remove-server', service: web, server: rs(22) }])
  })

  test('makes one pass of many looks in one turn', async () => {
    const { table } = await running()
    const before = table.passes()
    for (let i = 0; i < 100; i++) table.manager.look()
    await table.manager.settled()
    expect(table.passes() - before).toBe(1)
  })

  test('asks nobody about the whole table when a verdict changes', async () => {
    const { kernel, table } = await running()
    const before = kernel.lists()
    await table.say(virtualServer([realServer(21), realServer(22, { verdict: 'down' })]))
    expect(kernel.lists()).toBe(before)
  })
})

describe('a drain', () => {
  test('of a real server that came after the last quick look waits for the next: it may have clients already', async () => {
    const { kernel, table } = await running([virtualServer([realServer(21)])])
    await table.say(virtualServer([realServer(21), realServer(22)]))
    kernel.setConnections(web, '10.9.0.22:80', 1, 0)
    const drained = virtualServer([realServer(21), realServer(22, { override: { verb: 'drain' } })])
    await table.say(drained)
    expect(weights(kernel)).toEqual({ 21: 1, 22: 0 })
    await table.advance(1000)
    expect(weights(kernel)).toEqual({ 21: 1, 22: 0 })
    kernel.setConnections(web, '10.9.0.22:80', 0, 0)
    await table.advance(1000)
    expect(weights(kernel)).toEqual({ 21: 1 })
  })
})

describe('drift', () => {
  test('an emptied table is right again after a second, foreign services and all else untouched', async () => {
    const { kernel, table } = await running()
    kernel.behindItsBack({ op: 'remove-service', service: web })
    await table.advance(1000)
    expect(weights(kernel)).toEqual({ 21: 1, 22: 1 })
    const events = table.events()
    expect(events.map(event => [event.name, event.level, event.subject])).toEqual([
      ['table.drift', 'warning', 'service web'],
    ])
    expect(kernel.table().has(serviceKey(FOREIGN.id))).toBe(true)
  })

  test('a changed weight is set back, with before, after and the verb that would have done it properly', async () => {
    const { kernel, table } = await running()
    kernel.behindItsBack({ op: 'edit-server', service: web, server: rs(21, 0), before: rs(21) })
    await table.advance(1000)
    expect(weights(kernel)).toEqual({ 21: 1, 22: 1 })
    const [event] = table.events()
    expect(event!.data).toMatchObject({ verb: 'lvskeeper drain web/10.9.0.21:80', answer: 'repaired' })
    expect(event!.text).toContain('from 1 to 0')
    kernel.behindItsBack({ op: 'edit-server', service: web, server: rs(21, 7), before: rs(21) })
    await table.advance(1000)
    expect(table.events()[0]!.data).toMatchObject({ verb: 'lvskeeper weight web/10.9.0.21:80 7' })
  })

  test('what the quick read cannot see (thresholds, flags) is found within a minute', async () => {
    const { kernel, table } = await running()
    const threshold = { ...rs(21), settings: { ...rs(21).settings, upper: 5 } }
    kernel.behindItsBack({ op: 'edit-server', service: web, server: threshold, before: rs(21) })
    await table.advance(60_000)
    expect(table.events()).toHaveLength(1)
    expect(kernel.table().get(serviceKey(web.id))!.servers.get('10.9.0.21:80')).toEqual(rs(21))
  })

  test('many changes at once are one event', async () => {
    const many = Array.from({ length: 50 }, (_, i) => i + 1)
    const { kernel, table } = await running([virtualServer(many.map(i => realServer(i)))])
    for (const i of many) kernel.behindItsBack({ op: 'remove-server', service: web, server: rs(i) })
    await table.advance(1000)
    expect(Object.keys(weights(kernel))).toHaveLength(50)
    expect(table.events().map(event => event.text)).toEqual(['somebody else changed 50 entries of the table; repaired'])
  })

  test('after three repairs of one entry in a minute it is left, with one alarm, and the rest goes on', async () => {
    const { kernel, table } = await running()
    for (let i = 0; i < 3; i++) {
      kernel.behindItsBack({ op: 'remove-server', service: web, server: rs(21) })
      await table.advance(2000)
      expect(weights(kernel)).toEqual({ 21: 1, 22: 1 })
    }
    table.events()
    kernel.behindItsBack({ op: 'remove-server', service: web, server: rs(21) })
    await table.advance(2000)
    expect(weights(kernel)).toEqual({ 22: 1 })
    expect(table.events().map(event => [event.name, event.level])).toEqual([
      ['table.drift', 'alarm'],
      ['table.contested', 'alarm'],
    ])
    expect(table.manager.state().left).toEqual(['tcp 10.9.0.100:80|10.9.0.21:80'])
    await table.say(virtualServer([realServer(21), realServer(22, { verdict: 'down' })]))
    expect(weights(kernel)).toEqual({})
    await table.advance(120_000)
    expect(table.events()).toEqual([])
  })

  test('an entry that was left is taken up again when it is wanted otherwise, or after a truce of ten minutes', async () => {
    for (const next of ['wish', 'truce']) {
      const { kernel, table } = await running()
      for (let i = 0; i < 4; i++) {
        kernel.behindItsBack({ op: 'remove-server', service: web, server: rs(21) })
        await table.advance(2000)
      }
      expect(weights(kernel)).toEqual({ 22: 1 })
      if (next === 'truce') await table.advance(660_000)
      else await table.say(virtualServer([realServer(21, { override: { verb: 'weight', weight: 5 } }), realServer(22)]))
      expect(weights(kernel)).toEqual({ 21: next === 'truce' ? 1 : 5, 22: 1 })
      expect(table.manager.state().left).toEqual([])
    }
  })

  test('with drift: report nothing is repaired, each change is told once, and verdicts still count', async () => {
    const { kernel, table } = await running()
    table.wish.drift = 'report'
    kernel.behindItsBack({ op: 'edit-server', service: web, server: rs(21, 9), before: rs(21) })
    await table.advance(10_000)
    expect(weights(kernel)).toEqual({ 21: 9, 22: 1 })
    expect(table.events().map(event => event.data!['answer'])).toEqual(['reported'])
    await table.say(virtualServer([realServer(21, { verdict: 'down' }), realServer(22)]))
    expect(weights(kernel)).toEqual({ 22: 1 })
    table.wish.drift = 'repair'
    kernel.behindItsBack({ op: 'remove-service', service: web })
    await table.advance(1000)
    expect(weights(kernel)).toEqual({ 22: 1 })
  })

  test('in a service that stays away by drift: report, verdicts change nothing and nothing is refused', async () => {
    const { kernel, table } = await running()
    table.wish.drift = 'report'
    kernel.behindItsBack({ op: 'remove-service', service: web })
    await table.advance(2000)
    await table.say(
      virtualServer([realServer(21, { override: { verb: 'weight', weight: 3 } }), realServer(22, { verdict: 'down' })]),
    )
    await table.advance(5000)
    expect(kernel.table().has(serviceKey(web.id))).toBe(false)
    expect(table.events().map(event => event.name)).toEqual(['table.drift'])
  })

  test('what was only reported is repaired once the file says repair', async () => {
    const { kernel, table } = await running()
    table.wish.drift = 'report'
    kernel.behindItsBack({ op: 'remove-service', service: web })
    await table.advance(3000)
    expect(kernel.table().has(serviceKey(web.id))).toBe(false)
    table.wish.drift = 'repair'
    await table.advance(1000)
    expect(weights(kernel)).toEqual({ 21: 1, 22: 1 })
  })
})

describe('ownership', () => {
  test('a service that the file no longer names goes when we made it', async () => {
    const { kernel, table } = await running()
    await table.say()
    expect([...kernel.table().keys()]).toEqual([serviceKey(FOREIGN.id)])
    expect(table.journal.content().services).toEqual([])
  })

  test('a service that we did not make stays when the file no longer names it', async () => {
    const kernel = fakeKernel()
    kernel.behindItsBack({ op: 'add-service', service: web })
    const table = bench(kernel.kernel, [virtualServer([realServer(21)])])
    await table.manager.start()
    await table.say()
    expect([...kernel.table().keys()]).toEqual([serviceKey(web.id)])
  })

  test('after a crash the journal still knows what we made', async () => {
    const { kernel, table } = await running()
    const next = bench(kernel.kernel, [], memoryJournal(table.journal.content()))
    await next.manager.start()
    expect([...kernel.table().keys()]).toEqual([serviceKey(FOREIGN.id)])
  })

  test('the journal promises a service before the kernel has it', async () => {
    const kernel = fakeKernel()
    const journal = memoryJournal()
    const seen: string[][] = []
    const spying = {
      ...kernel.kernel,
      apply: (ops: Parameters<typeof kernel.kernel.apply>[0]) => {
        seen.push([...journal.content().services])
        return kernel.kernel.apply(ops)
      },
    }
    await bench(spying, [virtualServer([realServer(21)])], journal).manager.start()
    expect(seen).toEqual([[serviceKey(web.id)]])
  })

  test('a journal that cannot be written is told once and stops nothing', async () => {
    const { kernel, table } = await running()
    table.journal.failWith(new Error('no space left'))
    await table.say(virtualServer([realServer(21, { verdict: 'down', inhibit: true }), realServer(22)]))
    await table.say(virtualServer([realServer(21), realServer(22, { verdict: 'down', inhibit: true })]))
    expect(weights(kernel)).toEqual({ 21: 1, 22: 0 })
    expect(table.events().map(event => event.name)).toEqual(['table.journal'])
    table.journal.failWith(undefined)
    await table.advance(1000)
    expect(table.journal.content().quiet).toEqual({ 'tcp 10.9.0.100:80|10.9.0.22:80': 'down' })
  })

  test('a service that joins the file later is read before it is planned', async () => {
    const { kernel, table } = await running([])
    kernel.behindItsBack({ op: 'add-service', service: web }, { op: 'add-server', service: web, server: rs(21) })
    await table.say(virtualServer([realServer(21), realServer(22)]))
    expect(kernel.took()).toEqual([{ op: 'add-server', service: web, server: rs(22) }])
    expect(table.events()).toEqual([])
  })

  test('stopping keeps the table, clearing takes ours and leaves theirs', async () => {
    const kept = await running()
    await kept.table.manager.stop({ clear: false })
    expect(kept.kernel.took()).toEqual([])
    const cleared = await running()
    await cleared.table.manager.stop({ clear: true })
    expect([...cleared.kernel.table().keys()]).toEqual([serviceKey(FOREIGN.id)])
    expect(cleared.table.journal.content().services).toEqual([])
    await cleared.table.advance(10_000)
    expect([...cleared.kernel.table().keys()]).toEqual([serviceKey(FOREIGN.id)])
  })
})

describe('a kernel that refuses the n-th operation', () => {
  const servers = [21, 22, 23, 24].map(last => realServer(last))

  for (const code of ['ENOENT', 'EEXIST', 'ENOMEM', 'EINVAL', 'ESRCH', 'ENOBUFS'])
    test(`with ${code} has the whole table after the next pass, with one event`, async () => {
      for (let n = 1; n <= 5; n++) {
        const kernel = fakeKernel()
        kernel.failAt(n, code)
        const table = bench(kernel.kernel, [virtualServer(servers)])
        await table.manager.start()
        expect(table.manager.state().complete).toBe(false)
        await table.advance(1000)
        expect(plan(table.manager.state().desired!.table, kernel.table())).toEqual([])
        expect(table.manager.state().complete).toBe(true)
        expect(table.events().map(event => event.name)).toEqual(['table.error'])
      }
    })

  for (const code of ['ENOENT', 'EEXIST', 'ENOMEM', 'EINVAL', 'ESRCH', 'ENOBUFS'])
    test(`with ${code} in a change of every kind: the next pass converges, nothing is done twice, and no more is said than once`, async () => {
      const changed = virtualServer(
        [
          realServer(22, { settings: rs(22, 5).settings }),
          realServer(23, { override: { verb: 'drain' } }),
          realServer(25),
        ],
        { settings: { ...web.settings, scheduler: 'wlc' } },
      )
      for (let n = 1; n <= 6; n++) {
        const kernel = fakeKernel()
        const table = bench(kernel.kernel, [virtualServer(servers)])
        await table.manager.start()
        // Clients are left: the drain waits.
        kernel.setConnections(web, '10.9.0.23:80', 1, 0)
        await table.advance(1000)
        kernel.took()
        const before = table.passes()
        kernel.failAt(n, code)
        await table.say(changed)
        await table.advance(1000)
        expect(plan(table.manager.state().desired!.table, kernel.table())).toEqual([])
        expect(table.manager.state().complete).toBe(true)
        // edit-service, add 25, raise 22, lower 23, remove 21 and 24: each once, whichever was refused first.
        expect(
          kernel
            .took()
            .map(op => op.op)
            .sort(),
        ).toEqual(['add-server', 'edit-server', 'edit-server', 'edit-service', 'remove-server', 'remove-server'])
        // The change, the retry and the look that is due every second.
        expect(table.passes() - before).toBeLessThanOrEqual(4)
        // What shall go, and is said to be gone, is no trouble.
        const gone = n > 4 && ['ENOENT', 'ESRCH'].includes(code)
        expect(table.events().map(event => event.name)).toEqual(gone ? [] : ['table.error'])
        await table.advance(300_000)
        expect([kernel.took(), table.events()]).toEqual([[], []])
      }
    })

  test.each(['ENODEV', 'EINVAL'])(
    'for a sync daemon with %s says so once, goes on trying, and starts it when it can',
    async code => {
      const kernel = fakeKernel()
      const { applyGlobals } = kernel.kernel
      let asked = 0
      let refuses = true
      kernel.kernel.applyGlobals = async ops => {
        asked++
        return refuses ? ops.map(() => code) : applyGlobals(ops)
      }
      const table = bench(kernel.kernel, [virtualServer(servers)])
      table.wish.globals = { daemons: [{ role: 'master', interface: 'eth9', syncid: 51, maxlen: 0, port: 0, ttl: 0 }] }
      await table.manager.start()
      await table.advance(100_000)
      const told = table.events()
      expect(told.map(event => event.name)).toEqual(['table.error'])
      // The table itself is complete: it is only connections that are not told.
      expect(table.manager.state()).toMatchObject({ complete: true, unsynced: told[0]?.text })
      expect(asked).toBeGreaterThan(5)
      expect(asked).toBeLessThan(15)
      refuses = false
      await table.advance(20_000)
      expect(kernel.daemons().map(({ role }) => role)).toEqual(['master'])
      expect(table.events().map(event => [event.name, event.text])).toEqual([
        ['table.recovered', 'connection sync runs now'],
      ])
      expect(table.manager.state().unsynced).toBeUndefined()
    },
  )

  test('for both sync daemons is one event, and one more when a daemon that ran is gone and is refused', async () => {
    const kernel = fakeKernel()
    const { applyGlobals } = kernel.kernel
    let refuses = true
    kernel.kernel.applyGlobals = async ops => (refuses ? ops.map(() => 'ENODEV') : applyGlobals(ops))
    const table = bench(kernel.kernel, [virtualServer(servers)])
    const one = { interface: 'eth9', syncid: 51, maxlen: 0, port: 0, ttl: 0 }
    table.wish.globals = {
      daemons: [
        { role: 'master', ...one },
        { role: 'backup', ...one },
      ],
    }
    await table.manager.start()
    await table.advance(60_000)
    const text = 'the kernel refused to start the sync daemons on eth9 (ENODEV): there is no such interface'
    expect(table.events().map(event => event.text)).toEqual([text])
    refuses = false
    await table.advance(20_000)
    expect(table.events().map(event => event.name)).toEqual(['table.recovered'])
    refuses = true
    await applyGlobals([{ op: 'stop-daemon', role: 'backup' }])
    await table.advance(60_000)
    expect(table.events().map(event => event.text)).toEqual([
      'the kernel refused to start the backup sync daemon on eth9 (ENODEV): there is no such interface',
    ])
    // One that the file does not want any more is nobody's trouble.
    refuses = false
    table.wish.globals = {}
    table.manager.look()
    await table.manager.settled()
    expect([table.manager.state().unsynced, table.events()]).toEqual([undefined, []])
  })

  test('says that a service is gone which it still has: it is looked at again before it is forgotten', async () => {
    const { kernel, table } = await running()
    kernel.failAt(1, 'ESRCH')
    await table.say()
    expect(kernel.table().has(serviceKey(web.id))).toBe(true)
    await table.advance(2000)
    expect(kernel.table().has(serviceKey(web.id))).toBe(false)
    expect(table.journal.content().services).toEqual([])
    expect(table.events()).toEqual([])
  })

  test('has lost what shall go: it is forgotten, without a word', async () => {
    const { kernel, table } = await running()
    kernel.behindItsBack({ op: 'remove-service', service: web })
    await table.say()
    await table.advance(2000)
    expect(table.journal.content().services).toEqual([])
    expect(table.manager.state().complete).toBe(true)
    expect(table.events()).toEqual([])
  })

  test('for ever is asked less and less often, and told once', async () => {
    const kernel = fakeKernel()
    const table = bench(kernel.kernel, [virtualServer(servers)])
    await table.manager.start()
    table.events()
    kernel.took()
    kernel.failAt(1, 'ENOMEM', true)
    let asked = 0
    const apply = kernel.kernel.apply
    kernel.kernel.apply = ops => {
      asked++
      return apply(ops)
    }
    await table.say(virtualServer(servers.slice(0, 3)))
    await table.advance(300_000)
    expect(asked).toBeLessThanOrEqual(12)
    expect(asked).toBeGreaterThanOrEqual(8)
    expect(table.events().map(event => event.name)).toEqual(['table.error'])
    kernel.failAt(0, '')
    await table.advance(60_000)
    expect(kernel.table().get(serviceKey(web.id))!.servers.size).toBe(3)
    expect(table.events().map(event => event.name)).toEqual(['table.recovered'])
  })

  test('for one service holds up no other', async () => {
    const kernel = fakeKernel()
    kernel.withoutScheduler('twos')
    const other = virtualServer(servers, {
      name: 'other',
      ids: [{ protocol: 'tcp', address: '10.9.0.101', port: 80 }],
      settings: { scheduler: 'twos', flags: [], onePacket: false },
    })
    const table = bench(kernel.kernel, [other, virtualServer(servers)])
    await table.manager.start()
    expect(Object.keys(weights(kernel))).toHaveLength(4)
    const events = table.events()
    expect(events).toHaveLength(1)
    expect(events[0]!.text).toContain('modprobe ip_vs_twos')
    await table.say(other, virtualServer(servers.slice(1)))
    expect(Object.keys(weights(kernel))).toHaveLength(3)
  })

  test('and cannot be asked at all is told once, and everything is read again afterwards', async () => {
    const { kernel, table } = await running()
    kernel.breakDown(new Error('no answer'))
    await table.advance(30_000)
    expect(table.events().map(event => event.name)).toEqual(['table.error'])
    kernel.flush()
    kernel.breakDown(undefined)
    await table.advance(60_000)
    expect(weights(kernel)).toEqual({ 21: 1, 22: 1 })
  })
})

describe('timeouts and sync daemons', () => {
  const daemon = (role: 'master' | 'backup') => ({ role, interface: 'eth0', syncid: 51, maxlen: 0, port: 0, ttl: 0 })

  test('both roles run, once; they stop when the file no longer asks for them', async () => {
    const { kernel, table } = await running()
    table.wish.globals = { daemons: [daemon('master'), daemon('backup')], timeouts: { tcp: 60, tcpFin: 0, udp: 0 } }
    table.manager.look()
    await table.manager.settled()
    expect(kernel.daemons().map(one => one.role)).toEqual(['master', 'backup'])
    expect(kernel.timeouts().tcp).toBe(60)
    await table.advance(120_000)
    expect(table.journal.content().daemons).toEqual(['master', 'backup'])
    table.wish.globals = {}
    await table.advance(60_000)
    expect(kernel.daemons()).toEqual([])
    expect(table.events()).toEqual([])
  })

  test('somebody else’s daemon is left alone while the file asks for none', async () => {
    const { kernel, table } = await running()
    await kernel.kernel.applyGlobals([{ op: 'start-daemon', daemon: daemon('backup') }])
    await table.advance(120_000)
    expect(kernel.daemons()).toHaveLength(1)
  })

  test('a daemon with other settings is replaced', async () => {
    const { kernel, table } = await running()
    await kernel.kernel.applyGlobals([{ op: 'start-daemon', daemon: { ...daemon('backup'), syncid: 7 } }])
    table.wish.globals = { daemons: [daemon('master'), daemon('backup')] }
    await table.advance(60_000)
    expect(kernel.daemons().map(one => one.syncid)).toEqual([51, 51])
  })

  test('are started anew where their interface has become another one, which the kernel does not say', async () => {
    const { kernel, table } = await running()
    const { applyGlobals } = kernel.kernel
    let there = true
    const ops: string[] = []
    kernel.kernel.applyGlobals = async some => {
      ops.push(...some.map(({ op }) => op))
      const works = await applyGlobals(some.filter(({ op }) => there || op !== 'start-daemon'))
      return there ? works : some.map(({ op }) => (op === 'start-daemon' ? 'ENODEV' : undefined))
    }
    const on = (index: number) => {
      table.wish.globals = { daemons: [daemon('master'), daemon('backup')].map(one => ({ ...one, index })) }
    }
    on(3)
    await table.advance(60_000)
    expect(ops.splice(0)).toEqual(['start-daemon', 'start-daemon'])
    on(7)
    await table.advance(1_100)
    expect(ops.splice(0)).toEqual(['stop-daemon', 'stop-daemon', 'start-daemon', 'start-daemon'])
    await table.advance(60_000)
    expect([ops, table.events()]).toEqual([[], []])
    there = false
    on(0)
    await table.advance(1_100)
    expect(kernel.daemons()).toEqual([])
    expect(table.manager.state().unsynced).toContain('there is no such interface')
    await table.advance(60_000)
    there = true
    on(9)
    await table.advance(1_100)
    expect(kernel.daemons()).toHaveLength(2)
    expect(table.events().map(event => event.name)).toEqual(['table.error', 'table.recovered'])
  })

  test('one that runs is let alone while the other is refused', async () => {
    const { kernel, table } = await running()
    const { applyGlobals } = kernel.kernel
    let refuses = false
    const ops: string[] = []
    kernel.kernel.applyGlobals = async some => {
      const fails = some.map(op => refuses && op.op === 'start-daemon' && op.daemon.role === 'backup')
      ops.push(...some.map(op => `${op.op} ${op.op === 'start-daemon' ? op.daemon.role : ''}`.trim()))
      await applyGlobals(some.filter((_, at) => !fails[at]))
      return fails.map(one => (one ? 'EINVAL' : undefined))
    }
    const on = (index: number) => {
      table.wish.globals = { daemons: [daemon('master'), daemon('backup')].map(one => ({ ...one, index })) }
    }
    on(3)
    await table.advance(60_000)
    refuses = true
    on(7)
    await table.advance(1_100)
    ops.length = 0
    await table.advance(60_000)
    expect(new Set(ops)).toEqual(new Set(['start-daemon backup']))
    expect(kernel.daemons().map(({ role }) => role)).toEqual(['master'])
  })

  test.each([
    ['backup', 100, undefined, 1_024],
    ['master', 100, undefined, 100],
    ['backup', 65_507, 'ff02::81', 65_487],
    ['backup', 65_507, undefined, 65_507],
  ] as const)(
    'a %s’s datagrams of %i bytes (group %s) are those of %i that the kernel makes of them',
    (role, maxlen, group, made) => {
      const wanted = { ...daemon(role), maxlen, ...(group ? { group } : {}) }
      const plan = (length: number) =>
        planGlobals(
          { daemons: [wanted] },
          { timeouts: { tcp: 0, tcpFin: 0, udp: 0 }, daemons: [{ ...wanted, maxlen: length }] },
          [],
        )
      expect(plan(made)).toEqual([])
      expect(plan(made - 1).map(({ op }) => op)).toEqual(['stop-daemon', 'start-daemon'])
    },
  )
})
