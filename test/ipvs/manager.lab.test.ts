import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { desired } from '../../src/ipvs/desired.js'
import { entryKey } from '../../src/ipvs/entry.js'
import type { TableEvent } from '../../src/ipvs/events.js'
import type { VirtualServerInput } from '../../src/ipvs/inputs.js'
import { save } from '../../src/ipvs/ipvsadm.js'
import { fileJournal } from '../../src/ipvs/journal.js'
import { type Manager, manager } from '../../src/ipvs/manager.js'
import { plan } from '../../src/ipvs/plan.js'
import type { Clock } from '../../src/ipvs/ports.js'
import { serviceKey } from '../../src/ipvs/table.js'
import { type Ipvs, openIpvs } from '../../src/linux/ipvs.js'
import { otherHands } from './hands.js'
import { realServer, virtualServer, WEB } from './harness.js'
import { ipvsadm, lines } from './lab.js'

/** Monotonic, real. */
const clock: Clock = {
  now: () => performance.now(),
  at(deadline, wake) {
    const timer = setTimeout(wake, deadline - performance.now())
    return () => clearTimeout(timer)
  },
}

const FOREIGN = ['-A -u 10.9.0.200:53 -s rr', '-a -u 10.9.0.200:53 -r 10.9.0.99:53 -m -w 1']
const inputs = [
  virtualServer([21, 22, 23].map(last => realServer(last))),
  virtualServer(
    [31, 32].map(last => realServer(last)),
    { name: 'tls', ids: [{ ...WEB, port: 443 }] },
  ),
]

let kernel: Ipvs
let folder: string
let one: Manager
let events: TableEvent[]
let wish: readonly VirtualServerInput[]

async function start(): Promise<void> {
  one = manager(
    { kernel, clock, journal: fileJournal(join(folder, 'journal.json')) },
    {
      want: context => desired(wish, context),
      globals: () => ({}),
      drift: () => 'repair',
      onEvent: event => events.push(event),
    },
  )
  await one.start()
}

const ours = () => lines(ipvsadm('-S', '-n')).filter(line => !line.includes('10.9.0.200'))
const foreign = () => lines(ipvsadm('-S', '-n')).filter(line => line.includes('10.9.0.200'))
const wanted = () => save(desired(wish, { now: 0 }).table)
const edit = (rule: string) => ipvsadm(...rule.split(' '))

beforeAll(async () => {
  kernel = await openIpvs()
})
afterAll(() => kernel.close())
beforeEach(async () => {
  ipvsadm('-C')
  for (const rule of FOREIGN) edit(rule)
  folder = mkdtempSync(join(tmpdir(), 'table-manager-'))
  events = []
  wish = inputs
  await start()
})
afterEach(async () => {
  await one.stop({ clear: false })
  rmSync(folder, { recursive: true })
})

describe('the table manager on the real kernel', () => {
  test('programs the table and leaves foreign services as they were', () => {
    expect(ours()).toEqual(wanted())
    expect(foreign()).toEqual(FOREIGN)
    expect(events).toEqual([])
  })

  test('mends an emptied table within two seconds', async () => {
    const since = performance.now()
    ipvsadm('-C')
    await expect.poll(ours, { timeout: 2000, interval: 20 }).toEqual(wanted())
    expect(performance.now() - since).toBeLessThan(2000)
    expect(events.map(event => event.name)).toEqual(expect.arrayContaining(['table.drift']))
  })

  test('resumes after a crash without touching the table, and still knows what it made', async () => {
    await one.stop({ clear: false })
    const before = ipvsadm('-Ln', '--nosort')
    wish = wish.map(input => ({
      ...input,
      servers: input.servers.map(server => ({ ...server, verdict: 'unknown' as const })),
    }))
    await start()
    expect(ipvsadm('-Ln', '--nosort')).toBe(before)
    wish = []
    one.look()
    await one.settled()
    expect(lines(ipvsadm('-S', '-n'))).toEqual(FOREIGN)
  })

  test('clears only what is its own', async () => {
    await one.stop({ clear: true })
    expect(lines(ipvsadm('-S', '-n'))).toEqual(FOREIGN)
  })

  // `npm run nightly` has the whole minute, with another seed each night.
  const seconds = Number(process.env['LVSKEEPER_EDITS_SECONDS'] ?? 8)
  const seed = Number(process.env['LVSKEEPER_EDITS_SEED'] ?? 7)
  test(
    `random edits behind its back (${seconds} s, seed ${seed}): it converges, and foreign entries are as their owner left them`,
    async () => {
      const hash = virtualServer(
        [21, 22, 23].map(last => realServer(last)),
        { name: 'hash', ids: [{ ...WEB, port: 81 }], settings: { scheduler: 'mh', flags: [], onePacket: false } },
      )
      wish = [...inputs, hash]
      one.look()
      await one.settled()
      const { edits, theirs } = await otherHands(seed, seconds, FOREIGN)
      expect(edits).toBeGreaterThan(seconds)
      await sleep(2500)
      const left = new Set(one.state().left)
      // By the kernel itself, not by what the manager believes of it.
      const { table } = desired(wish, { now: 0 })
      const wrong = plan(table, await kernel.list([...table.values()].map(({ service }) => service.id)))
      const unexplained = wrong.filter(op => !left.has(entryKey(op)) && !left.has(serviceKey(op.service.id)))
      expect(unexplained).toEqual([])
      if (left.size > 0) expect(events.map(event => event.name)).toContain('table.contested')
      else expect(ours().sort()).toEqual(wanted().sort())
      expect(new Set(foreign())).toEqual(theirs)
    },
    20_000 + 1500 * seconds,
  )
})
