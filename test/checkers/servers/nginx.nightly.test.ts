import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Target } from '../../../checkers/ports.js'
import type { TlsSpec } from '../../../checkers/spec.js'
import { httpSpec } from '../check-spec.js'
import { pem } from '../listen.js'
import {
  ask,
  askNobody,
  certificates,
  debian,
  freePort,
  frozen,
  own,
  refused,
  start,
  tls,
  trusting,
  unheard,
  unshaken,
} from './real-server.js'

debian('/usr/sbin/nginx', 'nginx-light', 'openssl')

describe('nginx', () => {
  let target: Target
  let secure: Target
  /** By what they are for. */
  const ports = { plain: 0, secure: 0, proxied: 0, proxiedSecure: 0, client: 0, short: 0, ended: 0 }
  const at = (name: keyof typeof ports): Target => ({ address: '127.0.0.1', port: ports[name] })
  const home = own('nginx')
  beforeAll(async () => {
    for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort()
    // A certificate of its own that lasts ten days.
    const short = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '10']
    const files = ['-keyout', join(home, 'short.key'), '-out', join(home, 'short.crt')]
    const name = ['-subj', '/CN=short', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync('openssl', ['req', ...short, ...files, ...name], { stdio: 'ignore' })
    for (const kind of ['crt', 'key']) copyFileSync(join(certificates, `ended.${kind}`), join(home, `ended.${kind}`))
    for (const kind of ['crt', 'key']) copyFileSync(join(certificates, `server.${kind}`), join(home, `server.${kind}`))
    const password = execFileSync('openssl', ['passwd', '-apr1', 'secret'], { encoding: 'latin1' })
    writeFileSync(join(home, 'passwords'), `check:${password}`)
    const certificate = (file: string) =>
      `ssl_certificate ${home}/${file}.crt; ssl_certificate_key ${home}/${file}.key;`
    const local = (port: number, ...words: string[]) => `listen ${[`127.0.0.1:${port}`, ...words].join(' ')};`
    writeFileSync(
      join(home, 'conf'),
      `daemon off; pid ${home}/pid; error_log ${home}/error; worker_processes 1; events {}
http { access_log off; client_body_temp_path ${home}/a; proxy_temp_path ${home}/b; fastcgi_temp_path ${home}/c; uwsgi_temp_path ${home}/d; scgi_temp_path ${home}/e;
server { ${local(ports.plain)} ${local(ports.secure, 'ssl', 'http2')} ${local(ports.proxied, 'proxy_protocol')} ${local(ports.proxiedSecure, 'ssl', 'proxy_protocol')}
${certificate('server')}
location / { add_header X-Role web; return 200 '{"state":"fine"}'; } location /gone { return 410; }
location /user/ { auth_basic inside; auth_basic_user_file ${home}/passwords; try_files /conf =404; root ${home}; }
location /token/ { if ($http_authorization != "Bearer secret") { return 401; } return 200; } }
server { ${local(ports.client, 'ssl')} ${certificate('server')} ssl_client_certificate ${certificates}/ca.crt; ssl_verify_client on; location / { return 200 $ssl_client_s_dn; } }
server { ${local(ports.short, 'ssl')} ${certificate('short')} location / { return 200; } }
server { ${local(ports.ended, 'ssl')} ${certificate('ended')} location / { return 200; } } }`,
    )
    target = await start(ports.plain, 'nginx', ['-c', join(home, 'conf'), '-e', join(home, 'error')])
    secure = at('secure')
  })

  test.each(['1.0', '1.1'] as const)('answers an http check of version %s', async version => {
    expect(await ask(httpSpec({ version, json: { pointer: '/state', equals: 'fine' } }), target)).toMatchObject({
      passed: true,
    })
    expect(await ask(httpSpec({ version, path: '/gone' }), target)).toMatchObject({
      reason: 'bad-status',
      detail: 'status 410',
    })
  })

  test.each(['1.0', '1.1', '2'] as const)('answers an https check of version %s', async version => {
    const spec = httpSpec({ version, tls: trusting, bodyContains: 'fine' })
    expect(await ask(spec, secure)).toMatchObject({ passed: true })
    expect(await ask({ ...spec, tls }, secure)).toMatchObject({ reason: 'certificate' })
  })

  test.each(['http', 'https', 'h2'] as const)('fails an %s check for each named reason', async kind => {
    const over = kind === 'http' ? {} : { tls: trusting, ...(kind === 'h2' ? { version: '2' as const } : {}) }
    const there = kind === 'http' ? target : secure
    const fails = async (spec: Parameters<typeof httpSpec>[0], reason: string) =>
      expect(await ask(httpSpec({ ...over, ...spec }), there), JSON.stringify(spec)).toMatchObject({
        passed: false,
        reason,
      })
    const header = { name: 'x-role', how: 'exact', value: 'db' } as const
    await fails({ headerMatch: [header] }, 'bad-header')
    await fails({ bodyContains: 'broken' }, 'bad-body')
    await fails({ bodyNotContains: 'fine' }, 'bad-body')
    await fails({ bodyRegex: '^fine' }, 'bad-body')
    await fails({ json: { pointer: '/state', equals: 'broken' } }, 'bad-body')
    await fails({ digest: { algorithm: 'sha256', hex: '00' } }, 'bad-body')
    await fails({ bodyRegex: 'fine', maxBytes: 3 }, 'too-large')
    await fails({ status: [[500, 599]] }, 'bad-status')
    expect(await ask(httpSpec({ ...over, headerMatch: [{ ...header, value: 'web' }] }), there)).toMatchObject({
      passed: true,
    })
    expect(await askNobody(httpSpec(over), there)).toMatchObject(refused)
    // The other of its two ports.
    expect(await ask(httpSpec(over), kind === 'http' ? secure : target)).toMatchObject({
      reason: kind === 'http' ? 'bad-status' : 'tls',
    })
  })

  test('that stands still times out where it stands', async () => {
    const over = { tls: trusting }
    await frozen(target, {
      'http 1.1': [httpSpec({}), unheard],
      'http 1.0': [httpSpec({ version: '1.0' }), unheard],
      https: [httpSpec(over), unshaken, secure.port],
      h2: [httpSpec({ ...over, version: '2' }), unshaken, secure.port],
      tls: [{ kind: 'tls', ...over, steps: [] }, unshaken, secure.port],
      'tcp steps': [{ kind: 'tcp', steps: [{ expect: { contains: { text: 'hello' } } }] }, unheard],
      'tcp connect': [
        { kind: 'tcp', steps: [] },
        { passed: true, layer: 'L4OK' },
      ],
    })
    expect(await ask(httpSpec({}), target)).toMatchObject({ passed: true })
  })

  test('answers a tls check and a tcp check', async () => {
    expect(await ask({ kind: 'tls', tls: trusting, steps: [] }, secure)).toMatchObject({
      passed: true,
      layer: 'L6OK',
    })
    expect(await ask({ kind: 'tcp', steps: [] }, target)).toMatchObject({ passed: true, layer: 'L4OK' })
  })

  test.each([1, 2] as const)('behind proxy_protocol wants the PROXY header of version %i', async proxy => {
    const steps = [{ send: { text: 'GET / HTTP/1.0\r\n\r\n' } }, { expect: { contains: { text: 'fine' } } }]
    expect(await ask({ kind: 'tcp', steps, proxy }, at('proxied'))).toMatchObject({ passed: true })
    expect(await ask({ kind: 'tls', tls: trusting, steps, proxy }, at('proxiedSecure'))).toMatchObject({ passed: true })
    const http = httpSpec({ bodyContains: 'fine' })
    expect(await ask({ ...http, proxy }, at('proxied'))).toMatchObject({ passed: true })
    expect(await ask({ ...http, tls: trusting, proxy }, at('proxiedSecure'))).toMatchObject({ passed: true })
    // Without the header it hangs up; with one that it does not expect it has something to say.
    expect(await ask(http, at('proxied'))).toMatchObject({ passed: false, reason: 'closed' })
    expect(await ask({ kind: 'tls', tls: trusting, steps }, at('proxiedSecure'))).toMatchObject({ passed: false })
    expect(await ask({ ...http, proxy }, target)).toMatchObject({ reason: 'bad-status', detail: 'status 400' })
  })

  test('lets in whoever has the client certificate', async () => {
    const own = { ...trusting, cert: pem('client.crt'), key: pem('client.key') }
    const look = (over: TlsSpec) => ask(httpSpec({ tls: over, bodyContains: 'CN=client' }), at('client'))
    expect(await look(own)).toMatchObject({ passed: true })
    expect(await look(trusting)).toMatchObject({ reason: 'bad-status', detail: 'status 400' })
    const other = readFileSync(join(home, 'short.crt'), 'latin1')
    const stranger = { ...trusting, cert: other, key: readFileSync(join(home, 'short.key'), 'latin1') }
    expect(await look(stranger)).toMatchObject({ reason: 'bad-status', detail: 'status 400' })
  })

  test('is warned of and failed by the days that its certificate still lasts', async () => {
    const short = { ...tls, ca: readFileSync(join(home, 'short.crt'), 'latin1') }
    const ends = { warning: expect.stringMatching(/^certificate ends 20\d\d-\d\d-\d\d$/) }
    for (const look of [
      (over: TlsSpec) => ask({ kind: 'tls', tls: over, steps: [] }, at('short')),
      (over: TlsSpec) => ask(httpSpec({ tls: over }), at('short')),
    ]) {
      expect(await look({ ...short, warnDays: 14 })).toMatchObject({ passed: true, ...ends })
      expect(await look({ ...short, warnDays: 9 })).not.toHaveProperty('warning')
      expect(await look({ ...short, failDays: 9 })).toMatchObject({ passed: true })
      const failing = { passed: false, reason: 'certificate', detail: expect.stringContaining('certificate ends') }
      expect(await look({ ...short, failDays: 11 })).toMatchObject(failing)
    }
    // One that has ended fails, however few days are asked for.
    expect(await ask({ kind: 'tls', tls: trusting, steps: [] }, at('ended'))).toMatchObject({ reason: 'certificate' })
    expect(await ask(httpSpec({ tls: trusting }), at('ended'))).toMatchObject({
      reason: 'certificate',
      detail: 'CERT_HAS_EXPIRED',
    })
    expect(await ask(httpSpec({ tls: { ...trusting, verify: 'none' } }), at('ended'))).toMatchObject({ passed: true })
  })

  test('lets in whoever has the password, or the token', async () => {
    const basic = (password: string) => ({ basic: { user: 'check', password } })
    for (const over of [{}, { tls: trusting }, { tls: trusting, version: '2' as const }]) {
      const there = over.tls ? secure : target
      const user = httpSpec({ ...over, path: '/user/' })
      expect(await ask({ ...user, auth: basic('secret') }, there)).toMatchObject({ passed: true })
      expect(await ask({ ...user, auth: basic('wrong') }, there)).toMatchObject({ detail: 'status 401' })
      expect(await ask(user, there)).toMatchObject({ reason: 'bad-status', detail: 'status 401' })
      const token = httpSpec({ ...over, path: '/token/' })
      expect(await ask({ ...token, auth: { bearer: 'secret' } }, there)).toMatchObject({ passed: true })
      expect(await ask({ ...token, auth: { bearer: 'wrong' } }, there)).toMatchObject({ detail: 'status 401' })
    }
  })
})
