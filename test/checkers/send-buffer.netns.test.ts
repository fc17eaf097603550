import dgram, { createSocket, type Socket, type SocketOptions, type SocketType } from 'node:dgram'
import { syncBuiltinESMExports } from 'node:module'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { probeFor } from '../../checkers/probe-for.js'
import { type Segment, segment } from '../linux/namespaces.js'
import { within } from './listen.js'

let net: Segment
let server: Socket
const usual = dgram.createSocket

beforeAll(async () => {
  net = segment()
  // Fifteen packets for each datagram: they are too many for the smallest send buffer that there is.
  net.a.run('ip', 'link', 'set', 'eth0', 'mtu', '300')
  server = createSocket('udp4')
  server.on('message', (_, from) => server.send('fine', from.port, from.address))
  await net.b.stay(() => new Promise<void>(resolve => server.bind(5300, '10.9.0.12', resolve)))
})
afterAll(() => {
  smallBuffers(false)
  server.close()
  net.remove()
})

const tiny = (given: SocketType | SocketOptions) =>
  usual({ ...(typeof given === 'string' ? { type: given } : given), sendBufferSize: 1 })

function smallBuffers(small: boolean): void {
  dgram.createSocket = small ? tiny : usual
  syncBuiltinESMExports()
}

const ask = (requireReply: boolean, bytes = 4096) =>
  net.a.stay(() =>
    probeFor({ kind: 'udp', send: { text: 'x'.repeat(bytes) }, requireReply })(
      { address: '10.9.0.12', port: 5300 },
      within(200),
    ),
  )

test('a datagram that our send buffer has no room for (ENOBUFS) is our own trouble, and no silence', async () => {
  expect(await ask(true)).toMatchObject({ passed: true })
  smallBuffers(true)
  const ours = { passed: false, reason: 'local-error', layer: 'SOCKERR', detail: expect.stringContaining('ENOBUFS') }
  expect(await ask(true)).toMatchObject(ours)
  expect(await ask(false)).toMatchObject(ours)
  // A small one has room.
  expect(await ask(true, 100)).toMatchObject({ passed: true })
  smallBuffers(false)
  expect(await ask(true)).toMatchObject({ passed: true })
})
