import { createServer as createHttp2Server, createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { probeFor } from '../../checkers/probe-for.js'
import type { HttpSpec, TlsSpec } from '../../checkers/spec.js'
import { httpSpec } from './check-spec.js'
import { listen, pem, within } from './listen.js'

const own = { cert: pem('server.crt'), key: pem('server.key') }
const tls: TlsSpec = { verify: 'full', ca: pem('ca.crt'), warnDays: 14, failDays: 0 }
const ask = (target: { address: string; port: number }, over: Partial<HttpSpec>, ms = 5000) =>
  probeFor(httpSpec({ tls, ...over }))(target, within(ms))

describe.each(['1.0', '1.1', '2'] as const)('an https check of version %s', version => {
  const serve = (answer: (path: string) => { status: number; body: string }) =>
    listen(
      createSecureServer({ ...own, allowHTTP1: true }, (request, response) => {
        const { status, body } = answer(request.url)
        response.writeHead(status, {
          'x-version': request.httpVersion,
          'x-host': request.headers.host ?? request.authority,
        })
        response.end(body)
      }),
    )

  test('passes on the wanted status, header and body', async () => {
    const target = await serve(path => ({ status: 200, body: `you asked ${path}` }))
    const headerMatch = [
      { name: 'x-version', how: 'exact', value: version === '2' ? '2.0' : version },
      { name: 'x-host', how: 'exact', value: 'web.example' },
    ] as const
    const outcome = await ask(target, { version, path: '/a?b', host: 'web.example', bodyRegex: '/a\\?b$', headerMatch })
    expect(outcome).toEqual({ passed: true, layer: 'L7OK', detail: 'status 200' })
  })

  test('fails on another status, with the first bytes of the answer', async () => {
    const target = await serve(() => ({ status: 503, body: 'busy' }))
    expect(await ask(target, { version })).toMatchObject({ reason: 'bad-status', detail: 'status 503', answer: 'busy' })
  })

  test('reads no more than it may', async () => {
    const target = await serve(() => ({ status: 200, body: 'x'.repeat(100_000) }))
    expect(await ask(target, { version, maxBytes: 1000 })).toEqual({
      passed: true,
      layer: 'L7OK',
      detail: 'status 200',
    })
    expect(await ask(target, { version, maxBytes: 1000, bodyRegex: 'y' })).toMatchObject({ reason: 'too-large' })
  })

  test('verifies the certificate for the name in the Host header', async () => {
    const target = await serve(() => ({ status: 200, body: '' }))
    expect(await ask(target, { version, host: 'other.example' })).toMatchObject({ reason: 'certificate' })
  })

  test('passes with the warning of the handshake', async () => {
    const target = await serve(() => ({ status: 200, body: '' }))
    const outcome = await ask(target, { version, tls: { ...tls, warnDays: 100_000 } })
    expect(outcome).toMatchObject({ passed: true, warning: 'certificate ends 2120-01-01' })
  })

  test('names the layer that time ran out at', async () => {
    const deaf = await listen(createTcpServer(() => {}))
    expect(await ask(deaf, { version }, 100)).toMatchObject({ reason: 'timeout', layer: 'L6TOUT' })
    const ALPNProtocols = version === '2' ? ['h2'] : ['http/1.1']
    const mute = await listen(createTlsServer({ ...own, ALPNProtocols }, () => {}))
    expect(await ask(mute, { version }, 150)).toMatchObject({ reason: 'timeout', layer: 'L7TOUT' })
  })

  test('fails on garbage inside TLS', async () => {
    const ALPNProtocols = version === '2' ? ['h2'] : ['http/1.1']
    const target = await listen(createTlsServer({ ...own, ALPNProtocols }, socket => socket.end('220 mail\r\n')))
    expect(await ask(target, { version })).toMatchObject({ passed: false, reason: 'bad-reply', layer: 'L7RSP' })
  })

  test('fails as refused where nobody listens', async () => {
    expect(await ask({ address: '127.0.0.1', port: 1 }, { version })).toMatchObject({
      reason: 'refused',
      layer: 'L4CON',
    })
  })
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'an https check of a server that hangs up after a handshake of %s ends, and the loop goes on',
  async maxVersion => {
    for (const hangUp of ['end', 'destroy'] as const) {
      const target = await listen(
        createTlsServer({ ...own, maxVersion, ALPNProtocols: ['h2', 'http/1.1'] }, socket => socket[hangUp]()),
      )
      for (const version of ['1.0', '1.1', '2'] as const) {
        const began = performance.now()
        expect(await ask(target, { version }, 2000), `${hangUp} ${version}`).toMatchObject({
          passed: false,
          reason: 'closed',
        })
        expect(performance.now() - began).toBeLessThan(1900)
      }
    }
  },
)

test('an https check ends with its signal although its connection has ended before the request', async () => {
  const target = await listen(createTlsServer({ ...own, maxVersion: 'TLSv1.2' }, socket => socket.end()))
  // What ends in the same turn as the handshake: the socket is given to the library when it is closed.
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => ask(target, {}, 1000)))
  for (const outcome of outcomes) expect(outcome).toMatchObject({ passed: false, reason: 'closed' })
})

test('an https check sends method, body and authorization', async () => {
  let seen = ''
  const target = await listen(
    createServer(own, (request, response) => {
      request.setEncoding('utf8')
      request.on('data', part => {
        seen = `${request.method} ${part} ${request.headers.authorization} ${request.headers.connection}`
      })
      request.on('end', () => response.end())
    }),
  )
  expect(await ask(target, { method: 'PUT', body: 'é', auth: { bearer: 't' } })).toMatchObject({ passed: true })
  expect(seen).toBe('PUT é Bearer t close')
})

test('an http check of version 2 without TLS speaks it by prior knowledge', async () => {
  const target = await listen(createHttp2Server((_, response) => response.end('plain')))
  const outcome = await ask(target, { version: '2', tls: undefined, bodyContains: 'plain' })
  expect(outcome).toMatchObject({ passed: true, detail: 'status 200' })
})

test('an https check of version 2 fails where the server speaks only version 1', async () => {
  const target = await listen(createServer(own, (_, response) => response.end()))
  expect(await ask(target, { version: '2' })).toMatchObject({ passed: false, layer: 'L6RSP' })
})
