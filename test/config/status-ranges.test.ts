import { expect, test } from 'vitest'
import { loadConfig } from '../../config/load.js'

const file = (status: string) => `
directors: { d1: { address: 10.9.0.11 } }
virtual_servers:
  web:
    address: 10.9.0.100:80
    scheduler: rr
    forward: nat
    check: { http: { status: ${status} } }
    real_servers: [{ address: 10.9.0.21 }]
`

function ranges(status: string): unknown {
  const result = loadConfig(file(status), { file: 'a.yaml', hostname: 'd1', localAddresses: ['10.9.0.11'] })
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  const probe = result.config.services[0]?.realServers[0]?.checks[0]?.probe
  return probe?.kind === 'http' ? probe.status : undefined
}

test('one range of statuses is a list of one range', () => expect(ranges('200-299')).toEqual([[200, 299]]))
test('one status is a range of itself', () => expect(ranges('204')).toEqual([[204, 204]]))
test('a list stays a list of ranges', () =>
  expect(ranges('[200-204, 301]')).toEqual([
    [200, 204],
    [301, 301],
  ]))
