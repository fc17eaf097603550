import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Role } from '../../src/messages.js'
import type { Child } from '../../src/process/child.js'
import { replacement } from '../../src/process/replacement.js'

/** A parent without processes: what would be done to them, in order. */
function household(roles: readonly Role[] = ['vrrp', 'checkers', 'control']) {
  const done: string[] = []
  const children = new Map<Role, Child>(roles.map(role => [role, child(role)]))
  const restart = replacement(
    {
      children,
      startAnew: role => void done.push(`start ${role}`),
      dropSpares: () => void done.push('drop spares'),
      startSpare: () => void done.push('start spare'),
      succeed: () => void done.push('succeed'),
      tell: ({ name, level, data }) => void done.push(`${level} ${name} ${JSON.stringify(data)}`),
    },
    (_, event) => void done.push(event),
  )
  function child(role: Role): Child {
    return {
      ...{ role, pid: 1, startedAt: 0, lastAlive: 0, lastWord: 0 },
      send: message => void done.push(`${message.type} ${role}`),
      kill: signal => void done.push(`${signal} ${role}`),
    }
  }
  /** The process ends. */
  const end = (role: Role) => restart.ended(children.get(role)!)
  return { restart, end, took: () => done.splice(0) }
}

describe('a restart in place', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('replaces checkers and control, then has a successor configured, and only then lets vrrp leave', () => {
    const { restart, end, took } = household()
    restart.begin()
    expect(took()).toEqual(['leaving', 'drop spares', 'leave checkers', 'leave control'])
    expect(restart.hinders()).toBe(true)
    expect([end('checkers'), took()]).toEqual([true, ['start checkers']])
    expect([end('control'), took()]).toEqual([true, ['start control', 'start spare']])
    expect(restart.hinders()).toBe(false)
    restart.configured()
    expect(took()).toEqual(['leave vrrp'])
    expect([end('vrrp'), took()]).toEqual([true, ['succeed']])
  })

  test('leaves the old vrrp process where it is when no successor gets that far, and says so', () => {
    const { restart, end, took } = household()
    restart.begin()
    end('checkers')
    end('control')
    took()
    vi.advanceTimersByTime(60_000)
    expect(took()).toEqual(['restart.incomplete', 'alarm restart.incomplete {"pid":1}'])
    restart.configured()
    expect(took()).toEqual([])
  })

  test('kills what does not leave in time', () => {
    const { restart, end, took } = household()
    restart.begin()
    end('checkers')
    took()
    vi.advanceTimersByTime(5_000)
    expect(took()).toEqual(['SIGKILL control'])
  })

  test('is one, however often it is asked for; a process that was not told to leave has died', () => {
    const { restart, end, took } = household()
    expect(end('control')).toBe(false)
    restart.begin()
    took()
    restart.begin()
    expect(took()).toEqual([])
    expect(end('vrrp')).toBe(false)
  })

  test('without a vrrp process the successor takes its place at once', () => {
    const { restart, end, took } = household(['checkers', 'control'])
    restart.begin()
    end('checkers')
    end('control')
    took()
    restart.configured()
    expect(took()).toEqual(['succeed'])
  })
})
