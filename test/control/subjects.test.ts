import { expect, test } from 'vitest'
import { loadText } from '../../src/cli/load-file.js'
import { stillThere } from '../../src/control/subjects.js'

const text = `directors:
  d1: { address: 10.9.0.11 }
virtual_routers:
  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32] }
virtual_servers:
  web: { address: '10.9.0.100:80', forward: dr, check: none, real_servers: [10.9.0.21] }
  pool: { address: '10.9.0.100:81', forward: dr, check: none, real_servers: [{ dns: pool.example.org }] }
`

test('what the configuration names, and what its sources name now, is still there', () => {
  const loaded = loadText(text, 'lvskeeper.yaml', { node: 'd1', static: true })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  const { config } = loaded
  const gone = (services: Parameters<typeof stillThere>[0]['services']) =>
    [
      'router web',
      'router mail',
      'service web',
      'service mail',
      'server web/10.9.0.21:80',
      'server web/10.9.0.22:80',
      'server pool/10.9.0.31:81',
      'server pool/10.9.0.32:81',
      'director d1',
      'director d2',
      'table',
      'alert ops',
    ].filter(subject => !stillThere({ config, services })(subject))
  expect(gone(new Map())).toEqual(['router mail', 'service mail', 'server web/10.9.0.22:80', 'director d2'])
  const pool = { realServers: [{ address: '10.9.0.31', port: 81 }] }
  expect(gone(new Map([['pool', pool as never]]))).toEqual([
    'router mail',
    'service mail',
    'server web/10.9.0.22:80',
    'server pool/10.9.0.32:81',
    'director d2',
  ])
})
