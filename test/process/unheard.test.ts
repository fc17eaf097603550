import { describe, expect, test } from 'vitest'
import { eventsAgain } from '../../src/control/process-events.js'
import { createProcesses } from '../../src/control/processes.js'
import type { Event, Message } from '../../src/messages.js'
import { createUnheard } from '../../src/process/unheard.js'

const event = (at: number): Event => ({
  at,
  name: 'server.down',
  level: 'warning',
  subject: 'server web/10.9.0.21:80',
  text: 'it is',
})
const told = (at: number): Message => ({ type: 'event', event: event(at) })
const died = {
  type: 'child',
  role: 'control',
  state: 'died',
  pid: 7,
  at: 5,
  reason: 'killed by SIGKILL',
  follows: 'start',
} as const

describe('what control has not shown to have kept', () => {
  test('is told again to the next one, until the second sign of life', () => {
    const unheard = createUnheard()
    unheard.passed(told(1))
    unheard.alive()
    unheard.passed(told(2))
    expect(unheard.all()).toEqual({ messages: [told(1), told(2)], lost: 0 })
    unheard.alive()
    expect(unheard.all().messages).toEqual([told(2)])
    unheard.alive()
    expect(unheard.all().messages).toEqual([])
  })

  test('is bounded, counts what it leaves out, and is history alone', () => {
    const unheard = createUnheard()
    unheard.passed({ type: 'events', events: Array.from({ length: 1_999 }, (_, at) => event(at)) })
    unheard.passed({ type: 'table-status', table: { complete: true, repairs: 0, foreign: 0 } })
    unheard.passed({ ...died, state: 'started' })
    unheard.passed(told(1))
    unheard.passed({ type: 'events', events: [event(2), event(3)] })
    const { messages, lost } = unheard.all()
    expect([messages.length, lost]).toEqual([2, 2])
    unheard.alive()
    unheard.alive()
    // A start has more of them in one message than are kept: the first ones are.
    unheard.passed({ type: 'events', events: Array.from({ length: 37_298 }, (_, at) => event(at)) })
    const [start] = unheard.all().messages
    expect([start?.type === 'events' && start.events.length, unheard.all().lost]).toEqual([2_000, 35_298])
    unheard.alive()
    unheard.alive()
    unheard.passed(told(4))
    expect(unheard.all()).toEqual({ messages: [told(4)], lost: 0 })
  })

  test('is kept once: not what the dead process had still written', () => {
    const messages = [told(1), { type: 'events', events: [event(2), event(3)] } as const, died]
    const again = eventsAgain({ type: 'again', messages, lost: 0 }, [event(1), { ...event(3), text: 'it is (more)' }])
    expect(again).toEqual([
      event(2),
      {
        ...{ at: 5, name: 'process.died', level: 'warning', subject: 'process control' },
        text: 'control died (killed by SIGKILL); another process takes its place',
        data: { pid: 7, follows: 'start' },
      },
    ])
    expect(eventsAgain({ type: 'again', messages, lost: 9 }, []).at(-1)).toMatchObject({
      name: 'events.lost',
      data: { lost: 9 },
    })
  })
})

describe('the processes in status', () => {
  test('go on as they are when the death of the one before is told late', () => {
    const processes = createProcesses(1, 0)
    processes.up('control', 8, 100)
    processes.heard(died)
    expect(processes.list()[1]).toEqual({
      ...{ role: 'control', pid: 8, since: 100, state: 'running', restarts: 1 },
      died: { at: 5, reason: 'killed by SIGKILL' },
    })
  })

  test('say since when one does not answer, until it does or another follows', () => {
    const processes = createProcesses(1, 0)
    const checkers = { type: 'child', role: 'checkers', pid: 9, at: 200 } as const
    processes.up('checkers', 9, 100)
    processes.heard({ ...checkers, state: 'silent' })
    expect(processes.list()[1]).toMatchObject({ state: 'running', silentSince: 200 })
    processes.heard({ ...checkers, state: 'answers' })
    expect(processes.list()[1]).not.toHaveProperty('silentSince')
    processes.heard({ ...checkers, state: 'silent' })
    processes.up('checkers', 10, 300)
    expect(processes.list()[1]).not.toHaveProperty('silentSince')
    // Of one that is no more.
    processes.heard({ ...checkers, state: 'silent' })
    expect(processes.list()[1]).not.toHaveProperty('silentSince')
  })
})
