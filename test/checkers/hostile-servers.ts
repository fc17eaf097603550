import type { Socket } from 'node:net'
import type { ProbeSpec, TlsSpec } from '../../checkers/spec.js'
import { httpSpec } from './check-spec.js'

/** Writes these bytes again and again, whenever it may, until it is hung up on. */
function drip(socket: Socket, bytes: string | Buffer, every: number) {
  const timer = setInterval(() => socket.write(bytes), every)
  socket.on('close', () => clearInterval(timer))
}
export const ok = 'HTTP/1.1 200 OK\r\n'

/** What a real server may do to whoever checks it. */
export const hostile: Record<string, (socket: Socket) => void> = {
  'never speaks': () => {},
  'never ends its headers': socket => {
    socket.write(ok)
    drip(socket, 'X-A: 1\r\n', 5)
  },
  'sends single bytes': socket => {
    let at = 0
    const text = `${ok}Content-Length: 100000\r\n\r\n`
    const timer = setInterval(() => socket.write(text[at++] ?? 'x'), 1)
    socket.on('close', () => clearInterval(timer))
  },
  'never ends its body': socket => {
    socket.write(`${ok}\r\n`)
    drip(socket, 'x'.repeat(100), 5)
  },
  'floods with headers': socket => socket.write(`${ok}${`X-A: ${'x'.repeat(1000)}\r\n`.repeat(200)}`),
  'floods with body': socket => {
    socket.write(`${ok}\r\n`)
    drip(socket, Buffer.alloc(200_000, 'x'), 1)
  },
  'talks garbage': socket => {
    socket.write(Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 7919) & 255)))
  },
  'hangs up at once': socket => socket.destroy(),
  'resets at once': socket => socket.resetAndDestroy(),
  'closes one half': socket => socket.end(),
  'resets in the middle': socket => {
    socket.write(`${ok}Content-Length: 10\r\n\r\n123`)
    setTimeout(() => socket.resetAndDestroy(), 5)
  },
}

const tls: TlsSpec = { verify: 'full', warnDays: 14, failDays: 0 }
const regex = { bodyRegex: 'never there' }
/** A check of every kind that speaks over TCP. */
export const checks: Record<string, ProbeSpec> = {
  tcp: { kind: 'tcp', steps: [{ send: { text: 'hi' } }, { expect: { regex: 'never there' } }] },
  tls: { kind: 'tls', tls, steps: [] },
  http: httpSpec(regex),
  https: httpSpec({ ...regex, tls }),
  h2c: httpSpec({ ...regex, version: '2' }),
  grpc: { kind: 'grpc', service: '' },
  dns: { kind: 'dns', transport: 'tcp', name: '.', type: 'SOA', rcode: ['NOERROR'], minAnswers: 0, recurse: true },
  smtp: { kind: 'smtp', helo: 'd1' },
  redis: { kind: 'redis' },
  mysql: { kind: 'mysql', user: 'check', password: 'x' },
  postgresql: { kind: 'postgresql', user: 'check', database: 'x', password: 'x' },
  ldap: { kind: 'ldap' },
}
