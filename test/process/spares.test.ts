import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Spare } from '../../src/messages.js'
import type { Child } from '../../src/process/child.js'
import { createSpares } from '../../src/process/spares.js'

/** A parent that forks nothing: what would be done, and the children to be ended by hand. */
function household() {
  const done: string[] = []
  const told: [string, Spare][] = []
  const ends = new Map<Child, (reason: string) => void>()
  let hindered = false
  let pid = 0
  const spares = createSpares({
    fork(role, ended) {
      const child: Child = {
        ...{ role, pid: ++pid, startedAt: 0, lastAlive: 0, lastWord: 0 },
        send: message => void done.push(`${message.type} ${role}`),
        kill: signal => {
          done.push(`${signal} ${role}`)
          ended(child, signal)
        },
      }
      ends.set(child, reason => ended(child, reason))
      done.push(`fork ${role}`)
      return child
    },
    hindered: () => hindered,
    died: ({ role }) => void done.push(`${role} died`),
    tell: (role, spare) => void told.push([role, spare]),
    log: (_, event, { role }) => void done.push(`${event} ${role}`),
  })
  const hinder = (value: boolean) => {
    hindered = value
  }
  const heard = () => told.splice(0)
  return { spares, hinder, end: (child: Child) => ends.get(child)!('test'), took: () => done.splice(0), heard }
}

describe('spare processes', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('start when what they are for has started: vrrp first, checkers later; once, however often it is asked for', () => {
    const { spares, took } = household()
    spares.startSoon()
    spares.startSoon()
    vi.advanceTimersByTime(1_000)
    expect(took()).toEqual(['fork vrrp'])
    vi.advanceTimersByTime(2_000)
    expect(took()).toEqual(['fork checkers'])
    expect(spares.of('checkers')).toMatchObject({ role: 'checkers', pid: 2 })
    expect(spares.of('control')).toBeUndefined()
  })

  test('are there for one: who takes one has it, and another one follows', () => {
    const { spares, end, took } = household()
    spares.start('checkers')
    const taken = spares.take('checkers')!
    expect([spares.take('checkers'), spares.take('vrrp')]).toEqual([undefined, undefined])
    took()
    vi.advanceTimersByTime(3_000)
    expect(took()).toEqual(['fork checkers'])
    // It has the role now, and its end is its role's.
    end(taken)
    expect(took()).toEqual(['checkers died'])
    expect(spares.of('checkers')?.pid).toBe(2)
  })

  test('that die are started again, ever later, and are no death of their role', () => {
    const { spares, end, took } = household()
    spares.start('vrrp')
    const delays = [1_000, 1_000, 1_000, 2_000, 4_000].map(expected => {
      end(spares.of('vrrp')!)
      expect(took()).toContain('process.died spare vrrp')
      vi.advanceTimersByTime(expected - 1)
      const early = took().length
      vi.advanceTimersByTime(1)
      return [early, took()]
    })
    expect(delays).toEqual(Array(5).fill([0, ['fork vrrp']]))
  })

  test('that are dropped end at once and are not started again by themselves', () => {
    const { spares, took } = household()
    spares.start('vrrp')
    spares.start('checkers')
    took()
    spares.drop()
    vi.advanceTimersByTime(60_000)
    expect(took().filter(what => !what.endsWith(' died'))).toEqual(['SIGKILL vrrp', 'SIGKILL checkers'])
    expect(spares.of('vrrp')).toBeUndefined()
  })

  test('are told of: when one stands ready, is taken, has died, and to whoever asks anew', () => {
    const { spares, end, heard } = household()
    spares.startSoon()
    spares.tellAll()
    expect(heard()).toEqual([
      ['vrrp', { ready: false }],
      ['checkers', { ready: false }],
    ])
    vi.advanceTimersByTime(3_000)
    expect(heard()).toEqual([])
    spares.standsReady(spares.of('vrrp')!)
    spares.standsReady(spares.of('vrrp')!)
    expect(heard()).toEqual([['vrrp', { ready: true, pid: 1 }]])
    const taken = spares.take('vrrp')!
    spares.standsReady(taken)
    expect(heard()).toEqual([['vrrp', { ready: false }]])
    end(spares.of('checkers')!)
    expect(heard()).toEqual([['checkers', { ready: false, reason: 'test' }]])
    spares.tellAll()
    expect(heard()).toHaveLength(2)
  })

  test('do not start where they are hindered', () => {
    const { spares, hinder, took } = household()
    hinder(true)
    spares.startSoon()
    vi.advanceTimersByTime(60_000)
    expect(took()).toEqual([])
    hinder(false)
    spares.start('vrrp')
    expect(took()).toEqual(['fork vrrp'])
  })
})
