import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { about, label, noSuchServer, parseServerName, touched } from '../../src/control/servers.js'
import { shortOfQuorum } from '../../src/control/short-of-quorum.js'
import type { Override, RealServerStatus, ServiceStatus } from '../../src/messages.js'

function server(address: string, port: number, more: Partial<RealServerStatus> = {}): RealServerStatus {
  return { address, port, state: 'up', since: 0, weight: 1, forward: 'dr', checks: [], ...more }
}
function service(name: string, realServers: readonly RealServerStatus[], quorum = 1): ServiceStatus {
  const weightUp = realServers.reduce((sum, { state, weight }) => sum + (state === 'up' ? weight : 0), 0)
  return { name, ids: [], scheduler: 'wrr', state: 'up', since: 0, quorum, weightUp, sorry: false, realServers }
}

test('a name that fits nothing is answered with what there is', () => {
  const many = Array.from({ length: 11 }, (_, n) => server(`10.9.0.${21 + n}`, 80))
  const services = [service('web', many), service('mail', [server('10.9.0.21', 25)])]
  expect(noSuchServer(services, 'wbe/10.9.0.21')).toBe('there is no virtual server wbe (there is web, mail)')
  expect(noSuchServer(services, 'mail/10.9.0.22')).toBe('mail has no real server 10.9.0.22 (there is 10.9.0.21:25)')
  expect(noSuchServer(services, '10.9.0.21:81')).toBe('no virtual server has a real server 10.9.0.21:81 with this port')
  expect(noSuchServer(services, '10.9.9.9')).toMatch(
    /^no virtual server has a real server 10.9.9.9 \(there is 10.9.0.21, .*, 10.9.0.28 and 3 more\)$/,
  )
  expect(noSuchServer([], '10.9.9.9')).toBe('no virtual server has a real server 10.9.9.9 (there is none)')
})

describe('the name of a real server', () => {
  test.each([
    ['web/10.9.0.21', { service: 'web', address: '10.9.0.21', port: 0 }],
    ['web/10.9.0.21:80', { service: 'web', address: '10.9.0.21', port: 80 }],
    ['10.9.0.21', { service: '*', address: '10.9.0.21', port: 0 }],
    ['10.9.0.21:8080', { service: '*', address: '10.9.0.21', port: 8080 }],
    ['web/fd00:9::21', { service: 'web', address: 'fd00:9::21', port: 0 }],
    ['web/[fd00:9::21]:80', { service: 'web', address: 'fd00:9::21', port: 80 }],
  ])('%s', (text, name) => expect(parseServerName(text)).toEqual(name))

  test.each([
    '',
    '/',
    'web',
    'web/',
    '/10.9.0.21',
    '10.9.0.300',
    '10.9.0.21:',
    '10.9.0.21:65536',
    '[10.9.0.21',
    'a/b/10.9.0.21',
  ])('%s is none', text => expect(parseServerName(text)).toBeUndefined())

  test('is never a crash', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        const name = parseServerName(text)
        if (name) expect(name.port).toBeLessThan(65_536)
      }),
    )
  })

  test('without a service means every service that has it, without a port every port', () => {
    const services = [
      service('web', [server('10.9.0.21', 80), server('10.9.0.22', 80)]),
      service('api', [server('10.9.0.21', 8080), server('fd00:9::21', 8080)]),
    ]
    const labels = (text: string) => {
      const name = parseServerName(text)
      return name ? touched(services, name).map(label) : []
    }
    expect(labels('10.9.0.21')).toEqual(['web/10.9.0.21:80', 'api/10.9.0.21:8080'])
    expect(labels('10.9.0.21:8080')).toEqual(['api/10.9.0.21:8080'])
    expect(labels('web/10.9.0.21')).toEqual(['web/10.9.0.21:80'])
    expect(labels('api/fd00:9::21')).toEqual(['api/[fd00:9::21]:8080'])
    expect(labels('mail/10.9.0.21')).toEqual([])
  })

  test('finds what was said of it, wider or narrower', () => {
    const said: Override = { service: 'web', address: '10.9.0.21', port: 80, verb: 'drain', author: 'ann', at: 1 }
    const fits = (text: string, override = said) => {
      const name = parseServerName(text)
      return name !== undefined && about(override, name)
    }
    expect(fits('10.9.0.21')).toBe(true)
    expect(fits('web/10.9.0.21:80')).toBe(true)
    expect(fits('web/10.9.0.21:81')).toBe(false)
    expect(fits('api/10.9.0.21')).toBe(false)
    expect(fits('api/10.9.0.21', { ...said, service: '*', port: 0 })).toBe(true)
  })
})

describe('an order that leaves a virtual server too little', () => {
  const pool = service('web', [server('10.9.0.21', 80, { weight: 2 }), server('10.9.0.22', 80)], 2)
  const lose = (address: string, weight = 0, of = pool) =>
    shortOfQuorum([of], [{ service: 'web', address, port: 80 }], weight)

  test('says what is left', () => {
    expect(lose('10.9.0.21')).toEqual(['web falls below its quorum: weight 1 of 2 is left'])
    expect(lose('10.9.0.22')).toEqual([])
  })

  test('counts another weight, and what another order has set before', () => {
    expect(lose('10.9.0.21', 1)).toEqual([])
    const heavier: Override = {
      service: 'web',
      address: '10.9.0.22',
      port: 80,
      verb: 'weight',
      weight: 9,
      author: 'ann',
      at: 1,
    }
    const weighted = {
      ...pool,
      weightUp: 11,
      realServers: [pool.realServers[0]!, { ...pool.realServers[1]!, override: heavier }],
    }
    expect(lose('10.9.0.22', 0, weighted)).toEqual([])
    expect(lose('10.9.0.21', 0, weighted)).toEqual([])
  })

  test('does not blame it for a server that was down, nor for a service that was', () => {
    const one = service('web', [server('10.9.0.21', 80), server('10.9.0.22', 80, { state: 'down' })])
    expect(lose('10.9.0.22', 0, one)).toEqual([])
    expect(lose('10.9.0.21', 0, { ...one, state: 'down' })).toEqual([])
    expect(lose('10.9.0.21', 0, one)).toEqual(['web falls below its quorum: weight 0 of 1 is left'])
  })
})
