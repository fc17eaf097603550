import { describe, expect, test } from 'vitest'
import type { CheckConfig } from '../../config/check-config.js'
import { createClientPaths, type PathSpec } from '../../src/checking/client-paths.js'
import type { Pool } from '../../src/checking/pool.js'

const probe: PathSpec = {
  kind: 'client-path',
  vip: '10.9.0.100',
  vport: 80,
  mark: 0x4c500007,
  inner: { kind: 'tcp', steps: [] },
  from: 'peers',
}
const check = (from: 'peers' | 'all') => ({ probe: { ...probe, from } }) as unknown as CheckConfig

/** One virtual server with a real server for each of these paths. */
const poolOf = (marks: readonly number[]) => {
  const members = marks.map(mark => ({
    service: { name: 'web' },
    server: { address: '10.9.0.21', forward: 'dr', checks: [{ probe: { ...probe, mark } }] },
  }))
  return { services: () => new Map([['web', { members }]]) } as unknown as Pick<Pool, 'services'>
}

describe('the verdict along the clients’ path', () => {
  test('is the own one where this director does not hold the VIP', () => {
    const paths = createClientPaths(() => false)
    paths.hear([probe.mark], true)
    expect(paths.verdict(check('peers'), 'up')).toBe('up')
  })
  test('is the own one for the holder, too, where the file says from: all', () =>
    expect(createClientPaths(() => true).verdict(check('all'), 'down')).toBe('down'))

  describe('for the holder', () => {
    test('is what the other directors say, while one of them probes', () => {
      const paths = createClientPaths(vip => vip === '10.9.0.100')
      paths.hear([probe.mark], true)
      expect(paths.verdict(check('peers'), 'up')).toBe('down')
      paths.hear([], true)
      expect(paths.verdict(check('peers'), 'down')).toBe('up')
    })
    test('is not what the others say when they find every path broken: that is more likely their own trouble', () => {
      const paths = createClientPaths(() => true)
      const pool = poolOf([probe.mark, probe.mark + 1, probe.mark + 2])
      paths.hear([probe.mark, probe.mark + 1], true)
      expect(paths.doubt(pool)).toEqual({ doubted: false, changed: false, paths: 3 })
      expect(paths.report()).toEqual({})
      expect(paths.verdict(check('peers'), 'up')).toBe('down')
      paths.hear([probe.mark, probe.mark + 1, probe.mark + 2], true)
      expect(paths.doubt(pool)).toEqual({ doubted: true, changed: true, paths: 3 })
      expect(paths.report()).toEqual({ pathsDoubted: 3 })
      expect(paths.verdict(check('peers'), 'up')).toBe('up')
      expect(paths.verdict(check('peers'), 'unknown')).toBe('up')
      // What this director found itself before it held the VIP stands.
      expect(paths.verdict(check('peers'), 'down')).toBe('down')
      paths.hear([probe.mark + 1], true)
      expect(paths.doubt(pool)).toEqual({ doubted: false, changed: true, paths: 3 })
      expect(paths.report()).toEqual({})
      expect(paths.verdict(check('peers'), 'down')).toBe('up')
    })
    test('is what the others say about the only path there is, and nobody is doubted who is not heard', () => {
      const paths = createClientPaths(() => true)
      paths.hear([probe.mark], true)
      expect(paths.doubt(poolOf([probe.mark])).doubted).toBe(false)
      paths.hear([probe.mark, probe.mark + 1], false)
      expect(paths.doubt(poolOf([probe.mark, probe.mark + 1])).doubted).toBe(false)
    })
    test('is not what the others say when they find as many broken as a datagram tells of', () => {
      const paths = createClientPaths(() => true)
      const marks = Array.from({ length: 100 }, (_, at) => probe.mark + at)
      paths.hear(marks.slice(0, 40), true)
      expect(paths.doubt(poolOf(marks)).doubted).toBe(true)
      paths.hear(marks.slice(0, 39), true)
      expect(paths.doubt(poolOf(marks)).doubted).toBe(false)
    })
    test('is what it found before it became the holder, while nobody speaks', () => {
      const paths = createClientPaths(() => true)
      expect(paths.verdict(check('peers'), 'down')).toBe('down')
    })
    test('speaks against nobody where nothing was ever found out', () =>
      expect(createClientPaths(() => true).verdict(check('peers'), 'unknown')).toBe('up'))
  })
})
