import { expect, test } from 'vitest'
import { readListeners } from '../../src/doctor/listeners.js'

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const files: Record<string, string> = {
  '/proc/net/tcp': `${head}   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000\n   1: 6400090A:0050 00000000:0000 0A 0:0\n   2: 0B00090A:0016 0C00090A:C350 01 0:0\n`,
  '/proc/net/tcp6': `${head}   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0\n   1: 000000FD0900000000000000 no\n`,
  '/proc/net/udp': `${head}   0: 00000000:0035 00000000:0000 07 0:0\n   1: 0B00090A:C000 0C00090A:0035 01 0:0\n`,
  '/proc/net/udp6': `${head}   0: 000000FD0000090000000000000100FE:0035 00000000000000000000000000000000:0000 07 0:0\n`,
}

test('sockets that wait for clients are read from /proc/net, connected ones are not', () => {
  expect(readListeners(path => files[path] ?? '')).toEqual([
    { protocol: 'tcp', address: '127.0.0.1', port: 8080 },
    { protocol: 'tcp', address: '10.9.0.100', port: 80 },
    { protocol: 'tcp', address: '::', port: 80 },
    { protocol: 'udp', address: '0.0.0.0', port: 53 },
    { protocol: 'udp', address: 'fd00:0:9::fe00:100', port: 53 },
  ])
})
