import { describe, expect, test } from 'vitest'
import type { CheckConfig } from '../../config/check-config.js'
import { createClientPaths, type PathSpec } from '../../src/checking/client-paths.js'

const probe: PathSpec = {
  kind: 'client-path',
  vip: '10.9.0.100',
  vport: 80,
  mark: 0x4c500007,
  inner: { kind: 'tcp', steps: [] },
  from: 'peers',
}
const check = (from: 'peers' | 'all') => ({ probe: { ...probe, from } }) as unknown as CheckConfig

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
    test('is what it found before it became the holder, while nobody speaks', () => {
      const paths = createClientPaths(() => true)
      expect(paths.verdict(check('peers'), 'down')).toBe('down')
    })
    test('speaks against nobody where nothing was ever found out', () =>
      expect(createClientPaths(() => true).verdict(check('peers'), 'unknown')).toBe('up'))
  })
})
