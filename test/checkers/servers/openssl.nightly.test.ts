import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pem } from '../listen.js'
import {
  ask,
  askNobody,
  certificates,
  debian,
  freePort,
  frozen,
  refused,
  start,
  tls,
  trusting,
  unshaken,
} from './real-server.js'

debian('/usr/bin/openssl', 'openssl')
const files = ['-cert', join(certificates, 'server.crt'), '-key', join(certificates, 'server.key')]

test('openssl s_server answers a tls check, with TLS 1.2 and with 1.3', async () => {
  for (const version of ['-tls1_2', '-tls1_3']) {
    const port = await freePort()
    const target = await start(port, 'openssl', [
      's_server',
      '-quiet',
      version,
      '-accept',
      `127.0.0.1:${port}`,
      ...files,
    ])
    expect(await ask({ kind: 'tls', tls: { ...tls, verify: 'none' }, steps: [] }, target)).toMatchObject({
      passed: true,
    })
    const minVersion = 'TLSv1.3'
    expect(await ask({ kind: 'tls', tls: { ...tls, verify: 'none', minVersion }, steps: [] }, target)).toMatchObject(
      version === '-tls1_2' ? { reason: 'tls' } : { passed: true },
    )
    const pin = ['00'.repeat(32)]
    expect(await ask({ kind: 'tls', tls: { ...tls, verify: 'none', pin }, steps: [] }, target)).toMatchObject({
      reason: 'certificate',
    })
    await frozen(target, { tls: [{ kind: 'tls', tls, steps: [] }, unshaken] })
  }
})

test('openssl s_server that wants a client certificate breaks the handshake off without it', async () => {
  const port = await freePort()
  const wanting = ['-Verify', '1', '-verify_return_error', '-CAfile', join(certificates, 'ca.crt')]
  const target = await start(port, 'openssl', [
    's_server',
    '-quiet',
    '-tls1_2',
    ...wanting,
    '-accept',
    `127.0.0.1:${port}`,
    ...files,
  ])
  const own = { ...trusting, cert: pem('client.crt'), key: pem('client.key') }
  expect(await ask({ kind: 'tls', tls: own, steps: [] }, target)).toMatchObject({ passed: true })
  expect(await ask({ kind: 'tls', tls: trusting, steps: [] }, target)).toMatchObject({ reason: 'tls', layer: 'L6RSP' })
  expect(await askNobody({ kind: 'tls', tls: own, steps: [] }, target)).toMatchObject(refused)
})
