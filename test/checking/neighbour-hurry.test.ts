import { expect, test } from 'vitest'
import { neighbourHurry } from '../../src/checking/neighbour-hurry.js'

test('a neighbour entry that fails hastens the checks of its address, once a second, while they think it up', () => {
  let now = 0
  const up = new Set(['10.9.0.21'])
  const hurried: string[] = []
  const heard = neighbourHurry(
    () => now,
    address => up.has(address),
    address => hurried.push(`${now} ${address}`),
  )
  heard('10.9.0.21', 'asked', 'answers')
  expect(hurried).toEqual([])
  heard('10.9.0.21', 'failed', 'asked')
  heard('10.9.0.99', 'failed', 'asked')
  now = 999
  heard('10.9.0.21', 'failed', 'asked')
  now = 1000
  heard('10.9.0.21', 'failed', 'asked')
  up.clear()
  now = 5000
  heard('10.9.0.21', 'failed', 'asked')
  expect(hurried).toEqual(['0 10.9.0.21', '1000 10.9.0.21'])
})
