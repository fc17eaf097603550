import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { onAbort } from '../../checkers/on-abort.js'

test('a signal that serves many attempts keeps one listener, and calls only those that still wait', () => {
  const end = new AbortController()
  const called: number[] = []
  for (let count = 0; count < 100; count++) onAbort(end.signal, () => called.push(count))()
  onAbort(end.signal, () => called.push(100))
  onAbort(end.signal, () => called.push(101))
  expect(getEventListeners(end.signal, 'abort')).toHaveLength(1)
  expect(called).toEqual([])
  end.abort()
  expect(called).toEqual([100, 101])
})
