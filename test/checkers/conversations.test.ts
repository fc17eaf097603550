import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hear } from '../../checkers/agent.js'
import { probeFor } from '../../checkers/probe-for.js'
import type { ProbeSpec, TlsSpec } from '../../checkers/spec.js'
import { listen, pem, within } from './listen.js'

type Target = { address: string; port: number }
const ask = (spec: ProbeSpec, target: Target, ms = 5000) => probeFor(spec)(target, within(ms))
const tls: TlsSpec = { verify: 'full', ca: pem('ca.crt'), warnDays: 14, failDays: 0 }

/** A server that speaks this script: what it sends first, then its answer to each message. */
const script = (
  greeting: string | Buffer,
  ...answers: (string | Buffer | ((said: Buffer, socket: Socket) => string | Buffer))[]
) =>
  listen(
    createServer(socket => {
      const left = [...answers]
      if (greeting.length > 0) socket.write(greeting)
      socket.on('data', (said: Buffer) => {
        const answer = left.shift()
        if (answer !== undefined) socket.write(typeof answer === 'function' ? answer(said, socket) : answer)
      })
    }),
  )

describe('an smtp check', () => {
  const smtp = (over: object = {}): ProbeSpec => ({ kind: 'smtp', helo: 'd1.example', ...over })
  const serve = async (secure: boolean) => {
    const server = new SMTPServer({
      cert: pem('server.crt'),
      key: pem('server.key'),
      disabledCommands: secure ? [] : ['STARTTLS'],
      disableReverseLookup: true,
    })
    server.on('error', () => {})
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => new Promise<void>(resolve => server.close(() => resolve())))
    return { address: '127.0.0.1', port: (server.server.address() as { port: number }).port }
  }

  test('greets and is greeted', async () => {
    expect(await ask(smtp(), await serve(false))).toEqual({ passed: true, layer: 'L7OK', detail: 'code 250' })
  })

  test('goes over to TLS, verifies, and greets again', async () => {
    const target = await serve(true)
    expect(await ask(smtp({ startTls: tls }), target)).toMatchObject({ passed: true })
    expect(await ask(smtp({ startTls: { ...tls, sni: 'other.example' } }), target)).toMatchObject({
      reason: 'certificate',
    })
  })

  test('fails where TLS is wanted and not offered', async () => {
    expect(await ask(smtp({ startTls: tls }), await serve(false))).toMatchObject({ detail: 'no STARTTLS' })
  })

  test('takes nothing that was sent before the handshake as if it came under TLS', async () => {
    const target = await script('220 x\r\n', '250-x\r\n250 STARTTLS\r\n', '220 go\r\n250 injected\r\n')
    expect(await ask(smtp({ startTls: tls }), target)).toMatchObject({ reason: 'bad-reply' })
  })

  test('fails on a server that does not serve, or does not speak it', async () => {
    expect(await ask(smtp(), await script('421 busy\r\n'))).toMatchObject({ reason: 'bad-status', answer: '421 busy' })
    expect(await ask(smtp(), await script('SSH-2.0\r\n'))).toMatchObject({ reason: 'bad-reply', answer: 'SSH-2.0' })
    expect(await ask(smtp(), await script('220 x\r\n'), 100)).toMatchObject({ reason: 'timeout', layer: 'L7TOUT' })
  })
})

describe('a redis check', () => {
  const redis = (over: object = {}): ProbeSpec => ({ kind: 'redis', ...over })
  const info = (text: string) => `$${text.length}\r\n${text}\r\n`
  const replica = 'role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:7\r\n'

  test('sends PING as an array and passes on PONG', async () => {
    const target = await script('', said =>
      said.toString() === '*1\r\n$4\r\nPING\r\n' ? '+PONG\r\n' : '-ERR what\r\n',
    )
    expect(await ask(redis(), target)).toEqual({ passed: true, layer: 'L7OK', detail: 'PONG' })
  })

  test('logs in first', async () => {
    const answer = (said: Buffer) =>
      said.includes('$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n') ? '+OK\r\n' : '-WRONGPASS no\r\n'
    expect(await ask(redis({ user: 'u', password: 'p' }), await script('', answer, '+PONG\r\n'))).toMatchObject({
      passed: true,
    })
    expect(await ask(redis({ password: 'x' }), await script('', answer))).toMatchObject({ reason: 'auth' })
    expect(await ask(redis(), await script('', '-NOAUTH Authentication required.\r\n'))).toMatchObject({
      reason: 'auth',
    })
  })

  test('looks at role and lag where they matter', async () => {
    const target = () => script('', '+PONG\r\n', info(replica))
    expect(await ask(redis({ role: 'replica', maxLag: 7 }), await target())).toMatchObject({
      passed: true,
      detail: 'replica',
    })
    expect(await ask(redis({ role: 'primary' }), await target())).toMatchObject({ reason: 'role', detail: 'replica' })
    expect(await ask(redis({ maxLag: 6 }), await target())).toMatchObject({ reason: 'lag', detail: '7 s behind' })
  })

  test('fails while the data is being loaded, and on what is no redis', async () => {
    expect(await ask(redis(), await script('', '-LOADING wait\r\n'))).toMatchObject({ reason: 'not-serving' })
    expect(await ask(redis(), await script('', 'HTTP/1.1 400 Bad Request\r\n'))).toMatchObject({ reason: 'bad-reply' })
  })
})

describe('a mysql check', () => {
  const salt = Buffer.from('12345678abcdefghijkl')
  const packet = (sequence: number, payload: Buffer) => {
    const head = Buffer.alloc(4)
    head.writeUIntLE(payload.length, 0, 3)
    head[3] = sequence
    return Buffer.concat([head, payload])
  }
  const greeting = (plugin = 'mysql_native_password') =>
    packet(
      0,
      Buffer.concat([
        Buffer.from('\x0a8.0.36\0\x01\0\0\0', 'latin1'),
        salt.subarray(0, 8),
        Buffer.from([0, 0xff, 0xf7, 45, 2, 0, 0xff, 0x81, 21]),
        Buffer.alloc(10),
        salt.subarray(8),
        Buffer.from(`\0${plugin}\0`),
      ]),
    )
  const ok = (sequence: number) => packet(sequence, Buffer.from([0, 0, 0, 2, 0, 0, 0]))
  const error = (sequence: number, code: number, text: string) =>
    packet(sequence, Buffer.concat([Buffer.from([0xff, code & 255, code >> 8]), Buffer.from(`#HY000${text}`)]))
  const mysql = (over: object = {}): ProbeSpec => ({ kind: 'mysql', ...over })

  test('passes on the greeting', async () => {
    expect(await ask(mysql(), await script(greeting()))).toEqual({ passed: true, layer: 'L7OK', detail: '8.0.36' })
  })

  test('proves its password as mysql_native_password does', async () => {
    const sha1 = (...parts: Buffer[]) => createHash('sha1').update(Buffer.concat(parts)).digest()
    const once = sha1(Buffer.from('secret'))
    const mask = sha1(salt, sha1(once))
    const proof = Buffer.from(once.map((byte, at) => byte ^ mask[at]!))
    const judge = (said: Buffer) =>
      said.includes(proof) && said.includes('check\0') ? ok(2) : error(2, 1045, 'denied')
    expect(await ask(mysql({ user: 'check', password: 'secret' }), await script(greeting(), judge))).toMatchObject({
      passed: true,
    })
    expect(await ask(mysql({ user: 'check', password: 'wrong' }), await script(greeting(), judge))).toMatchObject({
      reason: 'auth',
      detail: 'error 1045 denied',
    })
  })

  test('asks for the role after the login', async () => {
    const column = packet(2, Buffer.from('\x03def', 'latin1'))
    const eof = (sequence: number) => packet(sequence, Buffer.from([0xfe, 0, 0, 2, 0]))
    const row = (value: string) => packet(4, Buffer.from(`\x01${value}`, 'latin1'))
    const result = (value: string) => Buffer.concat([packet(1, Buffer.from([1])), column, eof(3), row(value), eof(5)])
    const target = (value: string) => script(greeting(), ok(2), result(value))
    expect(await ask(mysql({ user: 'c', role: 'primary' }), await target('0'))).toMatchObject({ passed: true })
    expect(await ask(mysql({ user: 'c', role: 'primary' }), await target('1'))).toMatchObject({
      reason: 'role',
      detail: 'replica',
    })
  })

  test('fails on a server that refuses hosts, or that is none', async () => {
    expect(await ask(mysql(), await script(error(0, 1129, 'Host is blocked')))).toMatchObject({
      reason: 'not-serving',
      detail: 'error 1129 Host is blocked',
    })
    expect(await ask(mysql(), await script('220 mail.example ESMTP\r\n'), 200)).toMatchObject({ passed: false })
  })
})

describe('a postgresql check', () => {
  const message = (type: string, body: Buffer | string) => {
    const bytes = Buffer.from(body)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length + 4)
    return Buffer.concat([Buffer.from(type), length, bytes])
  }
  const request = (kind: number, more: Buffer | string = '') => {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(kind)
    return message('R', Buffer.concat([head, Buffer.from(more)]))
  }
  const ready = Buffer.concat([request(0), message('S', 'a\0b\0'), message('Z', 'I')])
  const refused = (code: string) => message('E', `SFATAL\0C${code}\0Mno\0\0`)
  const postgresql = (over: object = {}): ProbeSpec => ({ kind: 'postgresql', user: 'u', database: 'd', ...over })

  test('passes on any answer of a serving server', async () => {
    for (const answer of [ready, request(10, 'SCRAM-SHA-256\0\0'), refused('28000'), refused('3D000')])
      expect(await ask(postgresql(), await script('', answer))).toMatchObject({ passed: true })
  })

  test('fails on one that cannot serve now', async () => {
    expect(await ask(postgresql(), await script('', refused('57P03')))).toMatchObject({ reason: 'not-serving' })
    expect(await ask(postgresql({ password: 'p' }), await script('', refused('28P01')))).toMatchObject({
      reason: 'auth',
    })
    expect(await ask(postgresql(), await script('', 'HTTP/1.1 400\r\n\r\n'), 200)).toMatchObject({ passed: false })
  })

  test('logs in with MD5', async () => {
    const md5 = (text: string | Buffer) => createHash('md5').update(text).digest('hex')
    const proof = `md5${md5(Buffer.concat([Buffer.from(md5('pu')), Buffer.from('salt')]))}`
    const judge = (said: Buffer) => (said.includes(proof) ? ready : refused('28P01'))
    expect(await ask(postgresql({ password: 'p' }), await script('', request(5, 'salt'), judge))).toMatchObject({
      passed: true,
    })
    expect(await ask(postgresql({ password: 'x' }), await script('', request(5, 'salt'), judge))).toMatchObject({
      reason: 'auth',
    })
  })

  test('logs in with SCRAM, and believes only a server that knows the password too', async () => {
    const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
    const serve = (signWith: string) => {
      let first = ''
      let serverFirst = ''
      return script(
        '',
        request(10, 'SCRAM-SHA-256\0\0'),
        said => {
          first = said.toString().slice(said.indexOf('n,,') + 3)
          serverFirst = `${first.slice(first.indexOf('r='))}more,s=${Buffer.from('salty').toString('base64')},i=4096`
          return request(11, serverFirst)
        },
        said => {
          const final = said.toString('latin1', 5)
          const salted = pbkdf2Sync(signWith, 'salty', 4096, 32, 'sha256')
          const key = hmac(salted, 'Server Key')
          const signature = hmac(key, `${first},${serverFirst},${final.slice(0, final.indexOf(',p='))}`)
          return Buffer.concat([request(12, `v=${signature.toString('base64')}`), ready])
        },
      )
    }
    expect(await ask(postgresql({ password: 'p' }), await serve('p'))).toMatchObject({ passed: true })
    expect(await ask(postgresql({ password: 'p' }), await serve('other'))).toMatchObject({ reason: 'auth' })
  })

  test('asks for the role', async () => {
    const row = (value: string) =>
      Buffer.concat([message('T', 'x'), message('D', Buffer.from(`\0\x01\0\0\0\x01${value}`)), message('Z', 'I')])
    expect(await ask(postgresql({ role: 'replica' }), await script('', ready, row('t')))).toMatchObject({
      passed: true,
    })
    expect(await ask(postgresql({ role: 'replica' }), await script('', ready, row('f')))).toMatchObject({
      reason: 'role',
      detail: 'primary',
    })
  })
})

describe('an ldap check', () => {
  const answer = (code: number, text = '') =>
    Buffer.concat([
      Buffer.from([0x30, 12 + text.length, 2, 1, 1, 0x61, 7 + text.length, 0x0a, 1, code, 4, 0, 4, text.length]),
      Buffer.from(text),
    ])
  const ldap = (over: object = {}): ProbeSpec => ({ kind: 'ldap', ...over })

  test('binds anonymously in the bytes of RFC 4511', async () => {
    let said = ''
    const target = await script('', bytes => {
      said = bytes.toString('hex')
      return answer(0)
    })
    expect(await ask(ldap(), target)).toEqual({ passed: true, layer: 'L7OK', detail: 'result 0' })
    expect(said).toBe('300c020101600702010304008000')
  })

  test('fails on refused credentials, another result, and what is no LDAP', async () => {
    const login = { dn: 'cn=check', password: 'p' }
    expect(await ask(ldap(login), await script('', answer(49)))).toMatchObject({ reason: 'auth', detail: 'result 49' })
    expect(await ask(ldap(), await script('', answer(51, 'busy')))).toMatchObject({
      reason: 'not-serving',
      detail: 'result 51 busy',
    })
    expect(await ask(ldap(), await script('', 'HTTP/1.1 400\r\n'))).toMatchObject({ reason: 'bad-reply' })
    expect(await ask(ldap(), await script('', Buffer.from([0x30, 3, 2, 9, 1])))).toMatchObject({ reason: 'bad-reply' })
  })
})

describe('an agent check', () => {
  const agent = (over: object = {}): ProbeSpec => ({ kind: 'agent', ...over })

  test.each([
    ['75%', { wish: { percent: 75 } }],
    ['weight:3 maxconn:100', { wish: { weight: 3, maxConnections: 100 } }],
    ['drain', { wish: { state: 'drain' } }],
    ['up ready 50%', { wish: { state: 'ready', percent: 50 } }],
    ['down#disk full', { wish: {}, down: 'down: disk full' }],
    ['nonsense', { wish: {} }],
  ])('understands %s', (line, said) => expect(hear({}, line)).toEqual(said))

  test('leaves what a line does not mention as it was', () => {
    expect(hear({ wish: { percent: 50 }, down: 'fail' }, 'drain')).toEqual({
      wish: { percent: 50, state: 'drain' },
      down: 'fail',
    })
    expect(hear({ wish: { percent: 50 }, down: 'fail' }, 'up')).toEqual({ wish: { percent: 50 } })
  })

  test('asks, and remembers while the agent is silent', async () => {
    const lines = ['drain\n', 'down#full\n']
    const server = createServer(socket =>
      socket.on('data', said => socket.end(said.toString() === 'web\n' ? (lines.shift() ?? '') : '')),
    )
    const target = await listen(server)
    const probe = probeFor(agent({ send: 'web\n' }))
    expect(await probe(target, within(5000))).toMatchObject({ passed: true, wish: { state: 'drain' } })
    expect(await probe(target, within(5000))).toMatchObject({
      passed: false,
      reason: 'not-serving',
      detail: 'down: full',
    })
    server.close()
    expect(await probe({ ...target, port: target.port }, within(5000))).toMatchObject({
      passed: false,
      wish: { state: 'drain' },
    })
  })

  test('that was never heard passes', async () => {
    expect(await ask(agent(), { address: '127.0.0.1', port: 1 })).toMatchObject({
      passed: true,
      detail: 'the agent is silent: refused',
    })
  })
})
