import { expect, test } from 'vitest'
import { parseServers } from '../../src/checking/server-file.js'

const parse = (text: string) => parseServers(text, 'servers', 80)

test.each([
  [
    '["10.9.0.21", "10.9.0.22:8080"]',
    [
      { address: '10.9.0.21', port: 80 },
      { address: '10.9.0.22', port: 8080 },
    ],
  ],
  ['[{"address":"fd00:9::21","port":81,"weight":2}]', [{ address: 'fd00:9::21', port: 81, weight: 2 }]],
  ['[{"targets":["10.9.0.21:1"],"labels":{"weight":"7"}}]', [{ address: '10.9.0.21', port: 1, weight: 7 }]],
  [
    '10.9.0.21 4 # big\n\n[fd00:9::1]:5',
    [
      { address: '10.9.0.21', port: 80, weight: 4 },
      { address: 'fd00:9::1', port: 5 },
    ],
  ],
  ['fd00:9::21', [{ address: 'fd00:9::21', port: 80 }]],
  ['', []],
])('reads %s', (text, expected) => expect(parse(text)).toEqual(expected))

test.each([
  '{"a":1}',
  '[7]',
  'web1.example',
  '10.9.0.21:70000',
  '10.9.0.21 -1',
  '[{"address":"10.9.0.21","weight":1.5}]',
  '[ 10.9',
])('refuses %s with a reason', text => expect(() => parse(text)).toThrow(/./))
