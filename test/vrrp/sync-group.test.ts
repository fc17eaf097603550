import { describe, expect, test } from 'vitest'
import { groupLoop } from '../../vrrp/group-loop.js'
import { agree, type Member } from '../../vrrp/sync-group.js'
import { fakeSegment } from '../fakes/segment.js'

const member = (name: string, changes: Partial<Member> = {}): Member => ({
  ...{ name, state: 'backup', wants: false, faults: [], given: [] },
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
  async function pairs() {
    const outer = fakeSegment([150, 100], { syncGroup: 'g' })
    const inner = fakeSegment([150, 100], { syncGroup: 'g', name: 'db', vrid: 52, interface: 'eth1' }, outer.time)
    const both = [outer, inner]
    for (const index of [0, 1]) {
      const group = groupLoop('g')
      for (const segment of both) {
        const one = segment.directors[index]!
        one.onNote(note => group.note(note))
        group.add(one.start())
      }
    }
    await outer.until(2500)
    const masters = () => both.map(segment => segment.masters().join())
    return { outer, inner, masters, until: outer.until }
  }

  test('the better director has both', async () => {
    const { masters } = await pairs()
    expect(masters()).toEqual(['d1', 'd1'])
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

  test('both go when the director crashes', async () => {
    const { outer, inner, masters, until } = await pairs()
    outer.directors[0]!.crash()
    inner.directors[0]!.crash()
    await until(4000)
    expect(masters()).toEqual(['d2', 'd2'])
  })
})
