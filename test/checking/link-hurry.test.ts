import { expect, test } from 'vitest'
import { linkHurry } from '../../src/checking/link-hurry.js'

function setup(count: number) {
  const calls: [string, readonly number[] | undefined][] = []
  const servers = Array.from({ length: count }, (_, index) => ({
    server: { address: `10.0.0.${index}`, port: 80, weight: 1, forward: 'dr' as const },
    // The second is the same check in every server: shared, made once.
    checkKeys: [`check ${index}`, 'shared'],
  }))
  const look = linkHurry({
    members: () => servers as never,
    hasty: (key, pauses) => calls.push([key, pauses]),
  })
  return { look, calls, all: servers.map(({ server }) => server.address) }
}

test('the checks behind a link that is back hurry, those behind another do not', () => {
  const { look, calls } = setup(3)
  look(['10.0.0.1'], { running: true })
  expect(calls).toEqual([
    ['check 1', undefined],
    ['shared', undefined],
  ])
})

test('while the link is down nothing is asked', () => {
  const { look, calls, all } = setup(3)
  look(all, { running: false })
  expect(calls).toEqual([])
})

test('of a great many each is made once', () => {
  const few = setup(99)
  few.look(few.all, { running: true })
  expect(few.calls).toHaveLength(100)
  expect(few.calls.every(([, pauses]) => pauses === undefined)).toBe(true)
  const many = setup(100)
  many.look(many.all, { running: true })
  expect(many.calls).toHaveLength(101)
  expect(many.calls.every(([, pauses]) => pauses?.length === 1 && pauses[0] === 0)).toBe(true)
})
