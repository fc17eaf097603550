import { expect, test } from 'vitest'
import { createStale } from '../../src/checking/stale.js'

test('names the virtual servers with a new result of a check, or with another object that they are made of', () => {
  const parts = new Map<string, unknown[]>([
    ['web', [{ weight: 1 }, undefined]],
    ['mail', [{ weight: 1 }]],
  ])
  const stale = createStale(name => parts.get(name) ?? [])
  const listeners = (check: string) => (check === 'port 25' ? ['mail'] : ['web', 'mail'])
  const take = () => stale.take(parts.keys(), listeners)
  expect(take()).toEqual(['web', 'mail'])
  expect(take()).toEqual([])

  stale.heard('port 25')
  stale.heard('port 25')
  expect(take()).toEqual(['mail'])
  parts.set('web', [parts.get('web')?.[0], { active: 1 }])
  expect(take()).toEqual(['web'])
  expect(take()).toEqual([])

  stale.forget('web')
  expect(take()).toEqual(['web'])
})
