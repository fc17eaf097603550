import { createHash, X509Certificate } from 'node:crypto'
import { createServer as createTcpServer } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { dial } from '../../checkers/dial.js'
import type { TlsProbeSpec, TlsSpec } from '../../checkers/spec.js'
import { tlsProbe } from '../../checkers/tls.js'
import { listen, pem, within } from './listen.js'

const trusting: TlsSpec = { verify: 'full', ca: pem('ca.crt'), warnDays: 14, failDays: 0 }
const serve = (name: string, options: TlsOptions = {}) =>
  listen(
    createServer({ cert: pem(`${name}.crt`), key: pem(`${name}.key`), ...options }, socket => socket.write('hello\n')),
  )
const ask = (
  target: { address: string; port: number },
  tls: Partial<TlsSpec> = {},
  over: Partial<TlsProbeSpec> = {},
  ms = 5000,
) => tlsProbe({ kind: 'tls', steps: [], ...over, tls: { ...trusting, ...tls } }, dial)(target, within(ms))

describe('a tls check', () => {
  test('passes on a handshake with a certificate for the address', async () => {
    expect(await ask(await serve('server'))).toEqual({ passed: true, layer: 'L6OK' })
  })

  test('passes on a certificate for the name that it asks for, and not for another', async () => {
    const target = await serve('server')
    expect(await ask(target, { sni: 'web.example' })).toMatchObject({ passed: true })
    expect(await ask(target, { sni: 'other.example' })).toMatchObject({ reason: 'certificate', layer: 'L6RSP' })
    expect(await ask(target, { sni: 'other.example', verify: 'chain' })).toMatchObject({ passed: true })
  })

  test('sends the server name', async () => {
    let name = ''
    const target = await serve('server', {
      SNICallback: (asked, done) => {
        name = asked
        done(null)
      },
    })
    await ask(target, { sni: 'web.example' })
    expect(name).toBe('web.example')
  })

  test('distrusts an unknown authority, unless it is told not to look', async () => {
    const target = await serve('server')
    const { ca: _, ...system } = trusting
    const alone = tlsProbe({ kind: 'tls', steps: [], tls: system }, dial)
    expect(await alone(target, within(5000))).toMatchObject({ reason: 'certificate', layer: 'L6RSP' })
    expect(await ask(target, { ca: undefined, verify: 'none' })).toMatchObject({ passed: true })
  })

  test('fails on a certificate that has ended, or ends too soon, and warns before', async () => {
    expect(await ask(await serve('ended'))).toMatchObject({ reason: 'certificate', detail: 'CERT_HAS_EXPIRED' })
    const target = await serve('server')
    expect(await ask(target, { failDays: 100_000 })).toMatchObject({
      reason: 'certificate',
      detail: 'certificate ends 2120-01-01',
    })
    expect(await ask(target, { warnDays: 100_000 })).toMatchObject({
      passed: true,
      warning: 'certificate ends 2120-01-01',
    })
  })

  test('takes a certificate whose end is no date for what it is, and goes on', async () => {
    const der = Buffer.from(new X509Certificate(pem('server.crt')).raw)
    const month = der.indexOf('21200101000000Z') + 4
    der.write('13', month, 'latin1')
    const cert = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`
    const target = await serve('server', { cert })
    expect(await ask(target, { verify: 'none' })).toEqual({ passed: true, layer: 'L6OK' })
    expect(await ask(target, { verify: 'none', failDays: 1 })).toMatchObject({
      reason: 'certificate',
      detail: expect.stringContaining('cannot be read'),
    })
  })

  test('fails on another certificate than the pinned one', async () => {
    const target = await serve('server')
    const pin = createHash('sha256')
      .update(new X509Certificate(pem('server.crt')).raw)
      .digest('hex')
    expect(await ask(target, { pin: ['00', pin] })).toMatchObject({ passed: true })
    expect(await ask(target, { pin: ['00'] })).toMatchObject({ reason: 'certificate', detail: `fingerprint ${pin}` })
  })

  test('shows its own certificate where the server wants one', async () => {
    const target = await serve('server', { requestCert: true, ca: pem('ca.crt'), maxVersion: 'TLSv1.2' })
    const client = { cert: pem('client.crt'), key: pem('client.key') }
    expect(await ask(target, client)).toMatchObject({ passed: true })
    expect(await ask(target)).toMatchObject({ passed: false, layer: 'L6RSP' })
  })

  test('speaks inside', async () => {
    const target = await serve('server')
    expect(await ask(target, {}, { steps: [{ expect: { contains: { text: 'hello' } } }] })).toEqual({
      passed: true,
      layer: 'L7OK',
    })
  })

  test('fails on garbage as tls, on silence as a timeout of the handshake, on nobody as refused', async () => {
    const garbage = await listen(createTcpServer(socket => socket.write('SSH-2.0-x\r\n')))
    expect(await ask(garbage)).toMatchObject({ reason: 'tls', layer: 'L6RSP' })
    const silent = await listen(createTcpServer(() => {}))
    expect(await ask(silent, {}, {}, 100)).toMatchObject({ reason: 'timeout', layer: 'L6TOUT' })
    const closing = await listen(createTcpServer(socket => socket.end()))
    expect(await ask(closing)).toMatchObject({ passed: false, layer: 'L6RSP' })
    expect(await ask({ address: '127.0.0.1', port: 1 })).toMatchObject({ reason: 'refused', layer: 'L4CON' })
  })
})
