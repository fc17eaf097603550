import { createSecureServer, createServer, type ServerHttp2Stream } from 'node:http2'
import { describe, expect, test } from 'vitest'
import { decodeResponse, encodeRequest } from '../../checkers/grpc.js'
import { probeFor } from '../../checkers/probe-for.js'
import type { GrpcSpec } from '../../checkers/spec.js'
import { listen, pem, within } from './listen.js'

/** A health service that answers with this status of the wire, or with this gRPC code. */
function answer(stream: ServerHttp2Stream, { status, code = 0 }: { status?: number; code?: number }) {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () =>
    stream.sendTrailers({ 'grpc-status': String(code), 'grpc-message': code ? 'why' : '' }),
  )
  stream.end(status === undefined ? '' : Buffer.from([0, 0, 0, 0, 2, 8, status]))
}

const ask = (target: { address: string; port: number }, over: Partial<GrpcSpec> = {}) =>
  probeFor({ kind: 'grpc', service: '', ...over })(target, within(5000))
const serve = (reply: { status?: number; code?: number }) => {
  const server = createServer()
  server.on('stream', stream => answer(stream, reply))
  return listen(server)
}

describe('a grpc check', () => {
  test('asks the standard health service by name', async () => {
    const server = createServer()
    let asked = ''
    server.on('stream', (stream, headers) => {
      stream.on('data', (chunk: Buffer) => {
        asked = `${headers[':method']} ${headers[':path']} ${headers['content-type']} ${headers['x-a']} ${chunk.toString('hex')}`
        answer(stream, { status: 1 })
      })
    })
    const outcome = await ask(await listen(server), { service: 'web', metadata: { 'x-a': '1' } })
    expect(outcome).toEqual({ passed: true, layer: 'L7OK', detail: 'SERVING' })
    expect(asked).toBe('POST /grpc.health.v1.Health/Check application/grpc 1 00000000050a03776562')
  })

  test.each([
    [{ status: 2 }, 'not-serving', 'NOT_SERVING'],
    [{ code: 5 }, 'not-serving', 'grpc-status 5 why'],
    [{ code: 12 }, 'not-serving', 'grpc-status 12 why'],
    [{}, 'bad-reply', 'not a health answer'],
  ])('fails on %j', async (reply, reason, detail) => {
    expect(await ask(await serve(reply))).toMatchObject({ passed: false, reason, detail })
  })

  test('speaks TLS', async () => {
    const server = createSecureServer({ cert: pem('server.crt'), key: pem('server.key') })
    server.on('stream', stream => answer(stream, { status: 1 }))
    const tls = { verify: 'full', ca: pem('ca.crt'), warnDays: 14, failDays: 0 } as const
    expect(await ask(await listen(server), { tls })).toMatchObject({ passed: true })
  })

  test('reads the status wherever it stands, and nothing malformed', () => {
    expect(encodeRequest('')).toEqual(Buffer.alloc(5))
    expect(decodeResponse(Buffer.from([0, 0, 0, 0, 0]))).toBe(0)
    expect(decodeResponse(Buffer.from([0, 0, 0, 0, 5, 0x12, 1, 65, 8, 1]))).toBe(1)
    for (const bytes of [[], [0, 0, 0, 0, 9, 8, 1], [1, 0, 0, 0, 2, 8, 1], [0, 0, 0, 0, 1, 8], [0, 0, 0, 0, 1, 0x0d]])
      expect(decodeResponse(Buffer.from(bytes))).toBeUndefined()
  })
})
