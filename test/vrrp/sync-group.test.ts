import { describe, expect, test } from 'vitest'
import { type GroupLoop, groupLoop } from '../../vrrp/group-loop.js'
import { agree, type Member } from '../../vrrp/sync-group.js'
import { fakeSegment } from '../fakes/segment.js'

const member = (name: string, changes: Partial<Member> = {}): Member => ({
  ...{ name, state: 'backup', wants: false, faults: [], given: [], priority: 100, most: 100 },
  ...changes,
})

describe('a sync group', () => {
  test('becomes master when all of its members want', () => {
    expect(agree('g', [member('a', { wants: true }), member('b')])).toEqual([])
    expect(agree('g', [member('a', { wants: true }), member('b', { wants: true })])).toEqual([
      { to: 'a', order: 'master' },
      { to: 'b', order: 'master' },
    ])
  })
  test('takes along a member that comes later', () => {
    expect(agree('g', [member('a', { state: 'master' }), member('b', { wants: true })])).toEqual([
      { to: 'b', order: 'master' },
    ])
  })
  test('falls together when one member falls', () => {
    const members = [member('a'), member('b', { state: 'master' }), member('c', { state: 'master' })]
    expect(agree('g', members, { name: 'a', to: 'backup' })).toEqual([
      { to: 'b', order: 'backup' },
      { to: 'c', order: 'backup' },
    ])
    expect(agree('g', members, { name: 'b', to: 'master' })).toEqual([])
  })
  test('counts with the least priority of its members', () => {
    expect(agree('g', [member('a', { priority: 150 }), member('b', { priority: 120 })])).toEqual([
      { to: 'a', order: 'most', priority: 120 },
      { to: 'b', order: 'most', priority: 120 },
    ])
    expect(agree('g', [member('a', { priority: 150 }), member('b')])).toEqual([])
  })
  test('shares the fault of one member, and takes it back when it ends', () => {
    const faulty = member('a', { state: 'fault', faults: ['interface eth1 is down'] })
    const given = ['sync group g: a has a fault']
    expect(agree('g', [faulty, member('b')])).toEqual([{ to: 'b', order: 'faults', faults: given }])
    expect(agree('g', [faulty, member('b', { state: 'fault', given })])).toEqual([])
    expect(agree('g', [member('a'), member('b', { state: 'fault', given })])).toEqual([
      { to: 'b', order: 'faults', faults: [] },
    ])
  })
})

describe('two directors with two routers in a sync group', () => {
  /** Two segments in the same virtual time; each director runs a router on both. */
  async function pairs(priorities = [150, 100]) {
    const outer = fakeSegment([150, 100], { syncGroup: 'g' })
    const inner = fakeSegment(priorities, { syncGroup: 'g', name: 'db', vrid: 52, interface: 'eth1' }, outer.time)
    const both = [outer, inner]
    const groups: GroupLoop[] = []
    for (const index of [0, 1]) {
      const group = groupLoop('g')
      groups.push(group)
      for (const segment of both) {
        const one = segment.directors[index]!
        one.onNote(note => group.note(note))
        group.add(one.start())
      }
    }
    await outer.until(2500)
    const masters = () => both.map(segment => segment.masters().join())
    return { outer, inner, groups, masters, until: outer.until }
  }

  test('the better director has both', async () => {
    const { masters } = await pairs()
    expect(masters()).toEqual(['d1', 'd1'])
  })

  test('a router that leaves the group has its own priority and no fault of theirs again', async () => {
    const { outer, inner, groups, until } = await pairs([120, 100])
    const handle = outer.directors[0]!.handle()!
    expect(handle.status().priority.effective).toBe(120)
    inner.directors[0]!.handle()!.linkChanged('eth1', false)
    expect(handle.status().faults).toHaveLength(1)
    groups[0]!.remove(handle)
    await until(3000)
    expect(handle.status()).toMatchObject({ faults: [], priority: { effective: 150 } })
  })

  test('both go when one interface fails, and both come back', async () => {
    const { inner, masters, until } = await pairs()
    inner.directors[0]!.handle()!.linkChanged('eth1', false)
    await until(4000)
    expect(masters()).toEqual(['d2', 'd2'])
    inner.directors[0]!.handle()!.linkChanged('eth1', true)
    inner.directors[0]!.handle()!.ready(true)
    await until(6000)
    expect(masters()).toEqual(['d1', 'd1'])
  })

  test('do not take the group from each other for ever though each is better in one router', async () => {
    const { outer, inner, masters, until } = await pairs([100, 150])
    await until(10_000)
    expect(new Set(masters()).size).toBe(1)
    expect(masters()[0]).toMatch(/^d[12]$/)
    const changes = [...outer.directors, ...inner.directors].flatMap(one =>
      one.notes.filter(note => note.type === 'state'),
    )
    expect(changes.length).toBeLessThan(12)
    expect(outer.directors[0]!.handle()!.status().priority).toEqual({
      ...{ base: 150, effective: 100 },
      contributions: [{ source: 'sync group g', value: -50, reason: 'the least priority of its routers counts' }],
    })
  })

  test('are handed over together', async () => {
    const { outer, inner, masters, until } = await pairs()
    const both = [outer, inner].map(segment => segment.directors[0]!.handle()!)
    const results = both.map(handle => handle.failover({ back: false, author: 'root' }))
    await until(3000)
    expect(await Promise.all(results)).toMatchObject([{ done: true }, { done: true }])
    expect(masters()).toEqual(['d2', 'd2'])
    for (const handle of both) void handle.failover({ back: true, author: 'root' })
    await until(4000)
    expect(masters()).toEqual(['d1', 'd1'])
  })

  test('both go, one VIP never without the other, when the director stops', async () => {
    const { outer, inner, masters, until } = await pairs()
    const ended = [outer, inner].map(segment => segment.directors[0]!.handle()!.leave('stop'))
    await until(3000)
    await Promise.all(ended)
    expect(masters()).toEqual(['d2', 'd2'])
    expect([...outer.holders(), ...inner.holders()]).toEqual(['d2', 'd2'])
  })

  test('both go when the director crashes', async () => {
    const { outer, inner, masters, until } = await pairs()
    outer.directors[0]!.crash()
    inner.directors[0]!.crash()
    await until(4000)
    expect(masters()).toEqual(['d2', 'd2'])
  })
})
