import { describe, expect, test } from 'vitest'
import { compose, type Part } from '../../checkers/compose.js'
import type { Wish } from '../../checkers/ports.js'

const part = (name: string, verdict: Part['verdict'], over: Partial<Part> = {}): Part => ({
  name,
  severity: 'fail',
  verdict,
  ...over,
})
const wish = (wanted: Wish): Partial<Part> => ({ last: { passed: true, layer: 'L7OK', wish: wanted } })

describe('the checks of a real server together', () => {
  test.each([
    ['all', ['up', 'up', 'up'], 'up'],
    ['all', ['up', 'down', 'unknown'], 'down'],
    ['all', ['up', 'unknown', 'up'], 'unknown'],
    ['any', ['down', 'up', 'unknown'], 'up'],
    ['any', ['down', 'unknown', 'down'], 'unknown'],
    ['any', ['down', 'down', 'down'], 'down'],
    [2, ['up', 'down', 'up'], 'up'],
    [2, ['up', 'down', 'unknown'], 'unknown'],
    [2, ['down', 'down', 'up'], 'down'],
    [9, ['up', 'up', 'up'], 'up'],
  ] as const)('require %s of %j make %s', (require, verdicts, verdict) => {
    const parts = verdicts.map((one, at) => part(`c${at}`, one))
    expect(compose(parts, require).verdict).toBe(verdict)
  })

  test('are up where nothing is asked', () => expect(compose([], 'all').verdict).toBe('up'))

  test('leave the verdict to those of severity fail', () => {
    const composed = compose(
      [
        part('a', 'up'),
        part('b', 'down', { severity: 'drain' }),
        part('c', 'down', { severity: 'degrade' }),
        part('d', 'down', { severity: 'degrade' }),
        part('e', 'down', { severity: 'warn' }),
      ],
      'all',
    )
    expect(composed).toMatchObject({ verdict: 'up', state: 'drain', percent: 25, warnings: ['e fails'] })
    expect(composed.because).toEqual(['b', 'c', 'd', 'e'])
  })

  test('carry what the server asks for itself', () => {
    const parts = [
      part('agent', 'up', wish({ percent: 50, maxConnections: 9 })),
      part('exec', 'up', wish({ weight: 7 })),
    ]
    expect(compose(parts, 'all')).toMatchObject({ percent: 50, weight: 7, maxConnections: 9, add: 0 })
    expect(compose([part('f', 'up', wish({ add: -3 })), part('g', 'up', wish({ add: 5 }))], 'all').add).toBe(2)
    expect(
      compose([part('f', 'up', wish({ state: 'drain' })), part('g', 'up', wish({ state: 'maint' }))], 'all').state,
    ).toBe('maint')
  })

  test('tell what passes with a warning', () => {
    const last = { passed: true, layer: 'L6OK', warning: 'certificate ends in 3 days' } as const
    expect(compose([part('cert', 'up', { last })], 'all').warnings).toEqual(['cert: certificate ends in 3 days'])
  })
})
