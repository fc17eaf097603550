import { expect, test } from 'vitest'
import { neighbourHurry } from '../../src/checking/neighbour-hurry.js'

test('a neighbour entry that fails hastens the checks of its address, once a second, while they think it up', () => {
  let now = 0
  const up = new Set(['10.9.0.21'])
  const hurried: string[] = []
  const heard = neighbourHurry({
    now: () => now,
    thinksUp: address => up.has(address),
    hasty: address => hurried.push(`${now} ${address}`),
    back: () => {},
  })
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

test('a neighbour entry that is answered again is told, one that merely goes on is not', () => {
  const back: string[] = []
  const heard = neighbourHurry({
    now: () => 0,
    thinksUp: () => false,
    hasty: () => {},
    back: address => back.push(address),
  })
  heard('10.9.0.21', 'answers', undefined)
  heard('10.9.0.22', 'answers', 'asked')
  heard('10.9.0.23', 'answers', 'failed')
  heard('10.9.0.24', 'asked', 'failed')
  expect(back).toEqual(['10.9.0.22', '10.9.0.23'])
})
