import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { dial } from '../../checkers/dial.js'
import { httpProbe } from '../../checkers/http.js'
import type { HttpSpec } from '../../checkers/spec.js'
import { httpSpec } from './check-spec.js'

let stop: () => Promise<unknown> = async () => {}
afterEach(() => stop())

async function listen(server: Server | ReturnType<typeof createTcpServer>) {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stop = () => new Promise(resolve => server.close(resolve))
  return { address: '127.0.0.1', port: (server.address() as { port: number }).port }
}
const serve = (handler: RequestListener) => listen(createServer(handler))
/** Answers with these bytes, whatever was asked. */
const raw = (...parts: (string | Buffer)[]) =>
  listen(
    createTcpServer(socket => {
      socket.on('error', () => {})
      socket.once('data', async () => {
        for (const part of parts) {
          socket.write(part)
          await new Promise(resolve => setTimeout(resolve, 2))
        }
      })
    }),
  )
const ask = (target: { address: string; port: number }, over: Partial<HttpSpec> = {}, ms = 5000) =>
  httpProbe(httpSpec(over), dial)(target, AbortSignal.timeout(ms))

describe('an http check', () => {
  test('passes on a status of the wanted range', async () => {
    const target = await serve((_, response) => response.end('hello'))
    expect(await ask(target)).toEqual({ passed: true, layer: 'L7OK', detail: 'status 200' })
  })

  test('asks what it was told to ask', async () => {
    let seen = ''
    const target = await serve((request, response) => {
      request.setEncoding('utf8')
      let body = ''
      request.on('data', part => {
        body += part
      })
      request.on('end', () => {
        seen = `${request.method} ${request.url} ${request.httpVersion} ${request.headers.host} ${request.headers.authorization} ${request.headers['x-a']} ${body}`
        response.end()
      })
    })
    const auth = { basic: { user: 'u', password: 'p' } }
    await ask(target, { method: 'POST', path: '/a?b', host: 'web.example', headers: { 'X-A': '1' }, body: 'é', auth })
    expect(seen).toBe('POST /a?b 1.1 web.example Basic dTpw 1 é')
    await ask(target, { version: '1.0', auth: { bearer: 't' } })
    expect(seen).toBe(`GET / 1.0 127.0.0.1:${target.port} Bearer t undefined `)
  })

  test('fails on another status, without following a redirect', async () => {
    const target = await serve((_, response) => response.writeHead(302, { location: '/x' }).end('moved'))
    expect(await ask(target)).toEqual({
      passed: false,
      reason: 'bad-status',
      layer: 'L7STS',
      detail: 'status 302',
      answer: 'moved',
    })
    expect(
      await ask(target, {
        status: [
          [200, 200],
          [301, 303],
        ],
      }),
    ).toMatchObject({ passed: true })
  })

  test('passes with the wish to be drained where the status says so', async () => {
    const target = await serve((_, response) => response.writeHead(404).end())
    expect(await ask(target, { drainStatus: [[404, 404]] })).toMatchObject({
      passed: true,
      layer: 'L7OKC',
      wish: { state: 'drain' },
    })
  })

  test.each([
    ['body contains', { bodyContains: 'orl' }, { bodyContains: 'xyz' }],
    ['body without', { bodyNotContains: 'xyz' }, { bodyNotContains: 'world' }],
    ['pattern', { bodyRegex: 'W.R', bodyRegexFlags: 'i' }, { bodyRegex: '^world' }],
    [
      'digest',
      { digest: { algorithm: 'md5' as const, hex: '5eb63bbbe01eeed093cb22bb8f5acdc3' } },
      { digest: { algorithm: 'sha256' as const, hex: '00' } },
    ],
    [
      'pointer',
      { json: { pointer: '/a/0/b~1c', equals: { y: [1], x: null } } },
      { json: { pointer: '/a/1', equals: 1 } },
    ],
    [
      'header',
      { headerMatch: [{ name: 'X-Who', how: 'prefix' as const, value: 'rs' }] },
      { headerMatch: [{ name: 'x-who', how: 'absent' as const }] },
    ],
  ])('looks at the answer: %s', async (name, good, bad) => {
    const text = name === 'pointer' ? '{"a":[{"b/c":{"x":null,"y":[1]}}]}' : 'hello world'
    const target = await serve((_, response) => response.writeHead(200, { 'x-who': 'rs1' }).end(text))
    expect(await ask(target, good)).toMatchObject({ passed: true })
    expect(await ask(target, bad)).toMatchObject({
      passed: false,
      reason: name === 'header' ? 'bad-header' : 'bad-body',
    })
  })

  test.each([
    ['content-length in pieces', ['HTTP/1.1 200 OK\r\nContent-Le', 'ngth: 5\r\n\r\nhe', 'llo']],
    [
      'chunks in single bytes',
      [...'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nT: 1\r\n\r\n'],
    ],
    ['a 100 before the answer', ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello']],
    ['bare line feeds', ['HTTP/1.0 200 OK\nContent-Length: 5\n\nhello']],
  ])('reads %s', async (_, parts) => {
    expect(await ask(await raw(...parts), { bodyRegex: '^hello$' })).toMatchObject({ passed: true })
  })

  test.each([
    ['garbage', ['SSH-2.0-OpenSSH_9.2\r\n'], 'bad-reply', 'not HTTP'],
    ['a status line without status', ['HTTP/1.1 OK\r\n\r\n'], 'bad-reply', 'no HTTP/1.x status line'],
    ['huge headers', [`HTTP/1.1 200 OK\r\n${'x'.repeat(40_000)}`], 'bad-reply', 'headers larger than 32 KiB'],
    ['a bad length', ['HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'], 'bad-reply', 'malformed content-length'],
    [
      'a bad chunk',
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
      'bad-reply',
      'malformed chunk size',
    ],
  ])('fails on %s', async (_, parts, reason, detail) => {
    expect(await ask(await raw(...parts))).toMatchObject({ passed: false, reason, detail, layer: 'L7RSP' })
  })

  test('times out with what it was waiting for', async () => {
    const silent = await raw()
    expect(await ask(silent, {}, 100)).toMatchObject({
      reason: 'timeout',
      layer: 'L7TOUT',
      detail: 'waiting for the status',
    })
    await stop()
    const slow = await raw('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe')
    expect(await ask(slow, {}, 100)).toMatchObject({ reason: 'timeout', detail: 'waiting for the body' })
  })

  test('needs the whole body only if a condition does', async () => {
    const target = await serve((_, response) => response.end('x'.repeat(1000)))
    expect(await ask(target, { maxBytes: 100 })).toMatchObject({ passed: true })
    expect(await ask(target, { maxBytes: 100, bodyRegex: 'y' })).toMatchObject({ reason: 'too-large' })
    expect(await ask(target, { maxBytes: 100, bodyContains: 'xx' })).toMatchObject({ passed: true })
  })
})
