import { describe, expect, test } from 'vitest'
import type { Event } from '../../src/messages.js'
import { type Alarms, follow, wrong } from '../../src/peer/alarms.js'
import { type PeerReport, type PeerView, ready } from '../../src/peer/view.js'

const report: PeerReport = {
  version: '0.1.0',
  configHash: 'same',
  generation: 1,
  tableReady: true,
  syncReady: true,
  maintenance: false,
  routers: [],
}
const fresh = (extra: Partial<PeerReport> = {}): PeerView => ({
  name: 'd2',
  addresses: ['10.9.0.12'],
  state: 'fresh',
  lastHeard: 0,
  report: { ...report, ...extra },
})
const silent: PeerView = { ...fresh(), state: 'silent' }

/** Events of a history: [seconds, views, impostor]. */
function told(...history: [number, PeerView[], string?][]): [number, string][] {
  let alarms: Alarms = new Map()
  return history.flatMap(([seconds, views, impostor]) => {
    let events: Event[] = []
    ;[alarms, events] = follow(alarms, wrong(views, 'same', impostor), { now: seconds * 1_000, epoch: seconds * 1_000 })
    return events.map(({ name }): [number, string] => [seconds, name])
  })
}

describe('the alarms of the peer channel', () => {
  test('say after 10 seconds that no other director is ready, once, and when one is again', () => {
    const away = fresh({ tableReady: false })
    expect(told([0, [away]], [9, [away]], [10, [away]], [11, [away]], [12, [fresh()]])).toEqual([
      [10, 'peer.unready'],
      [12, 'peer.ready'],
    ])
  })

  test.each([
    ['its table', { tableReady: false }],
    ['its connection sync', { syncReady: false }],
    ['maintenance', { maintenance: true }],
    ['its routers', { routers: [{ name: 'web', vrid: 51, state: 'fault' as const, priority: 0 }] }],
  ])('count no director as ready that could not take over without loss: %s', (_, report) => {
    expect(ready(fresh(report))).toBe(false)
    expect(ready(fresh())).toBe(true)
    expect(told([0, [fresh(report)]], [10, [fresh(report)]])).toEqual([[10, 'peer.unready']])
    expect(told([0, [fresh(report), fresh()]], [10, [fresh(report), fresh()]])).toEqual([])
  })

  test('say nothing of what did not last', () => {
    const away = fresh({ maintenance: true })
    expect(told([0, [away]], [9, [fresh()]], [10, [away]], [19, [away]], [19.5, [fresh()]])).toEqual([])
  })

  test('say after 10 minutes that secrets differ, and when they are the same again', () => {
    const other: PeerView = { ...fresh(), secretsDiffer: true }
    expect(told([0, [other]], [599, [other]], [600, [other]], [601, [fresh()]])).toEqual([
      [600, 'peer.secrets'],
      [601, 'peer.agreed'],
    ])
  })

  test('say after 5 seconds that a director is not heard', () => {
    expect(told([0, [silent, fresh()]], [5, [silent, fresh()]], [6, [fresh(), fresh()]])).toEqual([
      [5, 'peer.silent'],
      [6, 'peer.heard'],
    ])
  })

  test('are alarms, but for a difference that a roll-out may explain', () => {
    const other = fresh({ configHash: 'other' })
    const [, events] = follow(new Map(), wrong([silent], 'same', '10.9.0.13'), { now: 0, epoch: 0 })
    expect(events.map(({ name, level }) => [name, level])).toEqual([['peer.conflict', 'alarm']])
    const [known] = follow(new Map(), wrong([silent], 'same', undefined), { now: 0, epoch: 0 })
    const later = follow(known, wrong([silent], 'same', undefined), { now: 20_000, epoch: 0 })[1]
    expect(later.map(({ name, level }) => [name, level])).toEqual([
      ['peer.unready', 'alarm'],
      ['peer.silent', 'alarm'],
    ])
    const [differs] = follow(new Map(), wrong([other], 'same', undefined), { now: 0, epoch: 0 })
    const told = follow(differs, wrong([other], 'same', undefined), { now: 600_000, epoch: 0 })[1]
    expect(told.map(({ name, level }) => [name, level])).toEqual([['peer.mismatch', 'warning']])
  })

  test('say after 10 minutes that the configurations differ: a roll-out may take that long', () => {
    const other = fresh({ configHash: 'other' })
    expect(told([0, [other]], [599, [other]], [600, [other]], [700, [fresh()]])).toEqual([
      [600, 'peer.mismatch'],
      [700, 'peer.match'],
    ])
  })

  test('say at once that another director says to be us', () => {
    expect(told([0, [fresh()], '10.9.0.13'], [7, [fresh()]])).toEqual([
      [0, 'peer.conflict'],
      [7, 'peer.clear'],
    ])
  })

  test('are silent where there is no other director', () => {
    expect(told([0, []], [100, []])).toEqual([])
  })

  test('name the subject and how long it has been so', () => {
    const views = [fresh({ tableReady: false })]
    const [alarms] = follow(new Map(), wrong(views, 'same', undefined), { now: 0, epoch: 0 })
    const [, events] = follow(alarms, wrong(views, 'same', undefined), { now: 10_000, epoch: 99 })
    expect(events).toEqual([
      {
        at: 99,
        name: 'peer.unready',
        level: 'alarm',
        subject: 'directors',
        text: 'no other director is ready to take over for 10s',
      },
    ])
  })
})
