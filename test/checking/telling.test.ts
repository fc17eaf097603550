import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createTelling } from '../../src/checking/telling.js'
import type { Event, Message } from '../../src/messages.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const event = (text: string): Event => ({ at: 1, name: 'server.up', level: 'info', subject: 'server', text })

test('events of one moment are one message, in their order, and none is kept for longer than that', () => {
  const sent: Message[] = []
  const nothing = { complete: true, repairs: 0, foreign: 0 }
  const telling = createTelling({
    send: (_, message) => void sent.push(message),
    holds: () => ({}),
    table: () => nothing,
    paths: () => undefined,
    checked: () => ({ checks: [], lag: 0, engine: {} as never }),
  })
  telling.event(event('a'))
  telling.event(event('b'))
  expect(sent).toEqual([])
  vi.advanceTimersByTime(10)
  expect(sent).toEqual([{ type: 'events', events: [event('a'), event('b')] }])
  vi.advanceTimersByTime(1_000)
  telling.event(event('c'))
  vi.advanceTimersByTime(10)
  expect(sent.slice(1)).toEqual([{ type: 'event', event: event('c') }])
})
