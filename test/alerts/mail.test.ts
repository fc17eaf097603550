import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { MailConfig } from '../../src/alerts/alert.js'
import { mail } from '../../src/alerts/mail.js'
import { batchOf, down } from './samples.js'

let folder = ''
let cert = ''
let key = ''
const servers: SMTPServer[] = []
const never = new AbortController().signal

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lvskeeper-mail-'))
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', keyFile, '-out', certFile], {
    stdio: 'ignore',
  })
  cert = readFileSync(certFile, 'utf8')
  key = readFileSync(keyFile, 'utf8')
  writeFileSync(join(folder, 'password'), 'secret\n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => Promise.all(servers.splice(0).map(server => new Promise<void>(resolve => server.close(resolve)))))

/** A real SMTP server on loopback. */
async function smtp(options: SMTPServerOptions = {}) {
  const seen: { text: string; secure: boolean; user: string | undefined; to: string[] }[] = []
  const server = new SMTPServer({
    logger: false,
    closeTimeout: 50,
    authOptional: true,
    cert,
    key,
    onAuth: ({ username, password }, _, done) =>
      password === 'secret' ? done(null, { user: username ?? '' }) : done(new Error('wrong password')),
    onData(stream, { envelope, secure, user }, done) {
      const parts: Buffer[] = []
      stream.on('data', part => parts.push(part))
      stream.on('end', () => {
        const to = envelope.rcptTo.map(({ address }) => address)
        seen.push({ text: Buffer.concat(parts).toString(), secure, user: user as string | undefined, to })
        done()
      })
    },
    ...options,
  })
  servers.push(server)
  server.on('error', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  const config: MailConfig = {
    host: '127.0.0.1',
    port,
    from: 'lvs@example.org',
    to: ['ops@example.org', 'boss@example.org'],
    caFile: join(folder, 'cert.pem'),
    timeout: 2_000,
  }
  return { seen, config }
}

describe('mail', () => {
  test('goes to everybody, through STARTTLS', async () => {
    const { seen, config } = await smtp()
    expect(await mail(config)(batchOf(down), never)).toEqual({ ok: true })
    expect(seen).toMatchObject([{ secure: true, to: ['ops@example.org', 'boss@example.org'] }])
    expect(seen[0]!.text).toContain('Subject: [d1] web/10.9.0.21:80 is down: connection refused')
  })

  test('is not sent in clear where the server has no STARTTLS, unless asked for', async () => {
    const { seen, config } = await smtp({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] })
    expect(await mail(config)(batchOf(down), never)).toMatchObject({ ok: false })
    expect(seen).toEqual([])
    expect(await mail({ ...config, tls: 'none' })(batchOf(down), never)).toEqual({ ok: true })
    expect(seen).toMatchObject([{ secure: false }])
  })

  test('is not sent to a server whose certificate nobody vouches for', async () => {
    const { seen, config } = await smtp()
    const { caFile: _, ...untrusting } = config
    const delivery = await mail(untrusting)(batchOf(down), never)
    expect(delivery).toMatchObject({ ok: false, reason: expect.stringContaining('self-signed certificate') })
    expect(seen).toEqual([])
  })

  test('speaks TLS from the start where asked', async () => {
    const { seen, config } = await smtp({ secure: true })
    expect(await mail({ ...config, tls: 'tls' })(batchOf(down), never)).toEqual({ ok: true })
    expect(seen).toMatchObject([{ secure: true }])
  })

  test('authenticates with the password of a file', async () => {
    const { seen, config } = await smtp({ authOptional: false })
    const passwordFile = join(folder, 'password')
    expect(await mail({ ...config, user: 'lvs', passwordFile })(batchOf(down), never)).toEqual({ ok: true })
    expect(seen).toMatchObject([{ user: 'lvs', secure: true }])
  })

  test('that the server refuses for good is a rejection', async () => {
    const refuse = Object.assign(new Error('no such user'), { responseCode: 550 })
    const { config } = await smtp({ onRcptTo: (_, __, done) => done(refuse) })
    expect(await mail(config)(batchOf(down), never)).toMatchObject({ ok: false, rejected: true })
  })

  test('that the server refuses for now is tried again later', async () => {
    const later = Object.assign(new Error('try later'), { responseCode: 451 })
    const { config } = await smtp({ onRcptTo: (_, __, done) => done(later) })
    const delivery = await mail(config)(batchOf(down), never)
    expect(delivery).toMatchObject({ ok: false })
    expect(delivery).not.toHaveProperty('rejected')
  })

  test('ends with its signal when the server hangs', async () => {
    const { config } = await smtp({ onConnect: () => {} })
    const stop = new AbortController()
    const started = performance.now()
    setTimeout(() => stop.abort(), 100)
    expect(await mail(config)(batchOf(down), stop.signal)).toMatchObject({ ok: false })
    expect(performance.now() - started).toBeLessThan(1_500)
  })
})
