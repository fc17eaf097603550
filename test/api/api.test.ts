import { setMaxListeners } from 'node:events'
import { chmodSync, existsSync, lstatSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { groupId } from '../../src/api/author.js'
import { apiClient } from '../../src/api/client.js'
import { noon, router, status } from '../status/samples.js'
import { type Fixture, fixture } from './fixture.js'

let director: Fixture
beforeEach(async () => {
  director = await fixture()
})
afterEach(() => director.close())

type Answer = { status: number; text: string; headers: IncomingHttpHeaders; json: () => Json }
// biome-ignore lint/suspicious/noExplicitAny: an answer is looked at field by field; a wrong one fails the assertion
type Json = any

function ask(
  method: string,
  path: string,
  { socketPath = director.control, body = '', headers = {} as Record<string, string> } = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        method,
        path,
        agent: false,
        headers: { ...headers, ...(body ? { 'content-length': Buffer.byteLength(body) } : {}) },
      },
      response => {
        const parts: Buffer[] = []
        response.on('data', part => parts.push(part))
        response.on('end', () => {
          const text = Buffer.concat(parts).toString()
          resolve({ status: response.statusCode ?? 0, text, headers: response.headers, json: () => JSON.parse(text) })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
const post = (path: string, value: unknown, headers = {}) =>
  ask('POST', path, { body: JSON.stringify(value), headers: { 'content-type': 'application/json', ...headers } })

describe('the sockets', () => {
  test('have the modes that say who may do what', () => {
    expect((statSync(director.control).mode & 0o777).toString(8)).toBe('660')
    expect((statSync(director.reader).mode & 0o777).toString(8)).toBe('666')
  })

  test('that a dead process left are replaced', async () => {
    const left = join(director.folder, 'left.sock')
    const dead = createServer().listen(left)
    await new Promise(resolve => dead.once('listening', resolve))
    // Closing would unlink it; a crash does not.
    const { renameSync } = await import('node:fs')
    renameSync(left, `${left}.kept`)
    await new Promise(resolve => dead.close(resolve))
    renameSync(`${left}.kept`, left)
    const second = await fixture({ controlSocket: left })
    expect((await ask('GET', '/healthz', { socketPath: left })).text).toBe('ok\n')
    await second.close()
  })

  test('of a director that runs are not taken away from it', async () => {
    await expect(fixture({ controlSocket: director.control })).rejects.toThrow('lvskeeper runs already')
    expect((await ask('GET', '/healthz')).status).toBe(200)
  })

  test('are gone after a stop', async () => {
    const other = await fixture()
    await other.api.stop()
    await expect(ask('GET', '/healthz', { socketPath: other.control })).rejects.toThrow()
    await other.close()
  })
})

describe('the status socket', () => {
  test('answers what only reads', async () => {
    for (const path of ['/v1/status', '/v1/events', '/v1/overrides', '/healthz', '/metrics', '/', '/openapi.json'])
      expect([path, (await ask('GET', path, { socketPath: director.reader })).status]).toEqual([path, 200])
  })

  test('refuses whatever changes something, and does not do it', async () => {
    for (const path of [
      'reload',
      'confirm',
      'plan',
      'overrides',
      'failover',
      'maintenance',
      'restart',
      'stop',
      'push/x',
    ])
      expect([path, (await ask('POST', `/v1/${path}`, { socketPath: director.reader })).status]).toEqual([path, 403])
    expect((await ask('DELETE', '/v1/overrides?server=x', { socketPath: director.reader })).status).toBe(403)
    expect(director.asked).toEqual([])
  })
})

describe('health, readiness and role', () => {
  test('healthz fails when a process is dead, and names it', async () => {
    const dead = { role: 'checkers', state: 'dead', since: noon, restarts: 1 } as const
    director.status = status({ processes: [dead] })
    expect(await ask('GET', '/healthz')).toMatchObject({ status: 503, text: 'checkers is not running\n' })
  })

  test('readyz fails until the table is complete, and in maintenance', async () => {
    expect(await ask('GET', '/readyz')).toMatchObject({ status: 200, text: 'ready\n' })
    director.status = status({
      table: { complete: false, repairs: 0, foreign: 0 },
      maintenance: { author: 'alice', at: noon },
    })
    expect(await ask('GET', '/readyz')).toMatchObject({
      status: 503,
      text: 'the table is not complete\nin maintenance\n',
    })
  })

  test.each([
    ['master', 200],
    ['backup', 503],
    ['fault', 503],
    ['init', 503],
  ] as const)('role answers a %s with %i', async (state, code) => {
    director.status = status({ routers: [{ ...router, state }] })
    expect(await ask('GET', '/role?router=web')).toMatchObject({ status: code, text: `web ${state}\n` })
  })

  test('role of an unknown router is 404, not a role', async () => {
    expect((await ask('GET', '/role?router=nope')).status).toBe(404)
  })
})

describe('a change', () => {
  test('is carried out, answered with what it touched, and audited with author, reason, before and after', async () => {
    const answer = await post('/v1/overrides', {
      server: 'web/10.9.0.21:80',
      verb: 'drain',
      for: '30m',
      reason: 'disk',
    })
    expect(answer).toMatchObject({ status: 200 })
    expect(answer.json()).toEqual({ text: 'done', before: 1, after: 2, touched: ['web/10.9.0.21:80'] })
    expect(director.asked).toEqual([
      [
        'override',
        { server: 'web/10.9.0.21:80', verb: 'drain', until: expect.closeTo(Date.now() + 30 * 60_000, -4) },
        { author: 'root', reason: 'disk' },
      ],
    ])
    expect(director.audits).toEqual([
      {
        at: expect.any(Number),
        name: 'audit.drain',
        level: 'notice',
        subject: 'server web/10.9.0.21:80',
        text: 'drain web/10.9.0.21:80 by root ("disk"): done',
        data: { author: 'root', reason: 'disk', verb: 'drain', before: 1, after: 2, touched: ['web/10.9.0.21:80'] },
      },
    ])
  })

  test('that is refused is audited too, and nothing is claimed to have happened', async () => {
    director.reply = { error: { code: 'refused', text: 'no other director is ready' } }
    const answer = await post('/v1/failover', { router: 'web' })
    expect(answer.status).toBe(409)
    expect(answer.json()).toEqual({ error: { code: 'refused', text: 'no other director is ready' } })
    expect(director.audits).toMatchObject([{ name: 'audit.refused', data: { code: 'refused', author: 'root' } }])
  })

  test.each([
    ['invalid', 400],
    ['not-found', 404],
    ['refused', 409],
    ['busy', 409],
    ['config', 422],
    ['internal', 500],
    ['unavailable', 503],
  ] as const)('refused as %s answers %i', async (code, http) => {
    director.reply = { error: { code, text: 'no' } }
    expect((await post('/v1/reload', {})).status).toBe(http)
  })

  test('reaches the control process as it was asked', async () => {
    await post('/v1/reload', { confirm: '5m', reason: 'r' })
    await post('/v1/confirm', {})
    await post('/v1/failover', { router: 'web', back: true })
    await post('/v1/maintenance', { on: false, force: true })
    await ask('POST', '/v1/restart')
    await post('/v1/stop', { clear: true })
    await ask('DELETE', '/v1/overrides?server=10.9.0.21&reason=done')
    await post('/v1/push/backup-job', { passed: true, text: 'fine' })
    expect(director.asked.map(([what, request]) => [what, request])).toEqual([
      ['reload', { confirm: 300_000 }],
      ['confirm', { author: 'root' }],
      ['failover', { router: 'web', back: true, force: false }],
      ['maintenance', { on: false, force: true }],
      ['restart', { author: 'root' }],
      ['stop', { clear: true }],
      ['endOverride', { server: '10.9.0.21' }],
      ['push', { id: 'backup-job', passed: true, text: 'fine' }],
    ])
  })

  test('of an override ends after a day unless asked otherwise', async () => {
    await post('/v1/overrides', { server: 'a', verb: 'maint' })
    await post('/v1/overrides', { server: 'a', verb: 'maint', unlimited: true })
    const [first, second] = director.asked.map(([, request]) => request as { until?: number })
    expect(first?.until).toBeCloseTo(Date.now() + 86_400_000, -4)
    expect(second).not.toHaveProperty('until')
  })

  test('of a drain may say how long it waits, and for which connections', async () => {
    await post('/v1/overrides', { server: 'a', verb: 'drain', within: '10m', active_only: true })
    await post('/v1/overrides', { server: 'a', verb: 'drain' })
    const [first, second] = director.asked.map(([, request]) => request as { deadline?: number })
    expect(first?.deadline).toBeCloseTo(Date.now() + 600_000, -4)
    expect(first).toHaveProperty('activeOnly', true)
    expect(Object.keys(second ?? {})).toEqual(['server', 'verb', 'until'])
  })

  test('for a generation that no longer runs is refused', async () => {
    expect((await post('/v1/reload', {}, { 'if-match': '"11"' })).status).toBe(412)
    expect((await post('/v1/reload', {}, { 'if-match': '"12"' })).status).toBe(200)
    expect(director.asked).toHaveLength(1)
  })

  test('by root for somebody else names both; nobody else may claim that', async () => {
    await post('/v1/reload', {}, { 'x-lvskeeper-for': 'alice' })
    await post('/v1/reload', {}, { 'x-lvskeeper-for': 'a\u00e4 ; rm' })
    const other = await fixture({ peerOf: () => ({ uid: 4_242_424, gid: 0, pid: 1 }) })
    await ask('POST', '/v1/restart', { socketPath: other.control, headers: { 'x-lvskeeper-for': 'root' } })
    const authors = [...director.asked, ...other.asked].map(asked => (asked.at(-1) as { author: string }).author)
    expect(authors).toEqual(['alice as root', 'root', 'uid 4242424'])
    await other.close()
  })
})

describe('bad input', () => {
  test.each([
    ['no object', '/v1/reload', '[]', 'expected a JSON object'],
    ['broken JSON', '/v1/reload', '{', 'the body is not JSON'],
    ['an unknown field', '/v1/reload', '{"confrim":"5m"}', 'unknown field "confrim"; known: confirm, reason'],
    [
      'a duration without unit',
      '/v1/reload',
      '{"confirm":"5"}',
      'confirm: expected a duration with its unit, such as 30m',
    ],
    ['a missing field', '/v1/failover', '{}', 'router is missing'],
    [
      'a field of the wrong type',
      '/v1/failover',
      '{"router":5}',
      'router: expected printable text of at most 500 characters',
    ],
    [
      'a control character',
      '/v1/failover',
      '{"router":"a\\u001b[2J"}',
      'router: expected printable text of at most 500 characters',
    ],
    ['text for a flag', '/v1/failover', '{"router":"a","force":"yes"}', 'force: expected true or false'],
    [
      'an unknown verb',
      '/v1/overrides',
      '{"server":"a","verb":"kill"}',
      'verb: expected one of drain, maint, weight, force-up, force-down',
    ],
    [
      'a weight without the verb',
      '/v1/overrides',
      '{"server":"a","verb":"drain","weight":1}',
      'weight: belongs to the verb weight only',
    ],
    [
      'the verb without a weight',
      '/v1/overrides',
      '{"server":"a","verb":"weight"}',
      'weight: belongs to the verb weight only',
    ],
    [
      'a weight beyond the kernel',
      '/v1/overrides',
      '{"server":"a","verb":"weight","weight":65536}',
      'weight: expected a whole number from 0 to 65535',
    ],
    [
      'a deadline without a drain',
      '/v1/overrides',
      '{"server":"a","verb":"maint","within":"1m"}',
      'within: belongs to the verb drain only',
    ],
    [
      'connections that are waited for without a drain',
      '/v1/overrides',
      '{"server":"a","verb":"force-up","active_only":true}',
      'active_only: belongs to the verb drain only',
    ],
    ['maintenance without on', '/v1/maintenance', '{"force":true}', 'on is missing'],
    ['null', '/v1/plan', 'null', 'expected a JSON object'],
  ])('%s is 400 with its reason, and changes nothing', async (_, path, body, text) => {
    const answer = await ask('POST', path, { body, headers: { 'content-type': 'application/json' } })
    expect(answer.json()).toEqual({ error: { code: 'invalid', text } })
    expect(answer.status).toBe(400)
    expect(director.asked).toEqual([])
    expect(director.mistakes).toEqual([])
  })

  test('a form that a web page could post is refused', async () => {
    const answer = await ask('POST', '/v1/restart', {
      body: '{"reason":"x"}',
      headers: { 'content-type': 'text/plain' },
    })
    expect(answer.json().error.text).toBe('expected content-type application/json')
    expect(director.asked).toEqual([])
  })

  test('a body without end is cut off', async () => {
    const answer = await post('/v1/reload', { reason: 'x'.repeat(100_000) })
    expect(answer.status).toBe(413)
    expect(director.asked).toEqual([])
  })

  test.each([['?last=-1'], ['?last=x'], ['?level=loud'], ['?since=yesterday'], ['?follow&after=1.5']])(
    'events%s is 400',
    async query => expect((await ask('GET', `/v1/events${query}`)).status).toBe(400),
  )

  test('an unknown path is 404 as JSON', async () => {
    const answer = await ask('GET', '/v2/status')
    expect([answer.status, answer.json().error.code]).toEqual([404, 'not-found'])
  })

  test('our own mistake is 500 without its insides, and reported', async () => {
    Object.defineProperty(director, 'status', {
      get: () => {
        throw new Error('secret detail')
      },
    })
    const answer = await ask('GET', '/v1/status')
    expect([answer.status, answer.text.includes('secret')]).toEqual([500, false])
    expect(director.mistakes).toHaveLength(1)
  })
})

describe('events', () => {
  const event = {
    at: noon,
    name: 'server.down',
    level: 'warning',
    subject: 'server web/10.9.0.22:80',
    text: 'down',
  } as const

  test('are listed and filtered', async () => {
    director.events.append(event)
    director.events.append({ ...event, name: 'vrrp.state', level: 'notice', subject: 'router web', text: 'master' })
    const texts = async (query: string) =>
      (await ask('GET', `/v1/events${query}`)).json().map(({ text }: { text: string }) => text)
    expect(await texts('')).toEqual(['down', 'master'])
    expect(await texts('?last=1')).toEqual(['master'])
    expect(await texts('?name=server.*,table.*')).toEqual(['down'])
    expect(await texts('?subject=router')).toEqual(['master'])
  })

  test('are followed as JSON lines, what was missed first', async () => {
    director.events.append(event)
    director.events.append({ ...event, text: 'missed' })
    const stop = new AbortController()
    const lines: { seq: number; text: string }[] = []
    const reading = (async () => {
      const client = apiClient(director.reader)
      for await (const line of client.follow('/v1/events?follow&after=1', stop.signal)) lines.push(line as never)
    })()
    await vi.waitFor(() => expect(lines).toHaveLength(1))
    director.events.append({ ...event, text: 'new' })
    await vi.waitFor(() =>
      expect(lines.map(({ seq, text }) => [seq, text])).toEqual([
        [2, 'missed'],
        [3, 'new'],
      ]),
    )
    stop.abort()
    await reading
  })

  test('are followed as server-sent events where asked', async () => {
    director.events.append(event)
    const text = await new Promise<string>(resolve => {
      const headers = { accept: 'text/event-stream', 'last-event-id': '0' }
      request({ socketPath: director.control, path: '/v1/events?follow', headers, agent: false }, response => {
        response.once('data', part => {
          response.destroy()
          resolve(String(part))
        })
      }).end()
    })
    expect(text).toBe(`id: 1\nevent: server.down\ndata: ${JSON.stringify({ seq: 1, ...event })}\n\n`)
  })

  test('are followed by a bounded number of clients, and places become free again', async () => {
    const stop = new AbortController()
    setMaxListeners(0, stop.signal)
    const client = apiClient(director.control)
    const streams = Array.from({ length: 64 }, () => client.follow('/v1/events?follow&after=0', stop.signal))
    director.events.append(event)
    await Promise.all(streams.map(stream => stream.next()))
    await expect(client.follow('/v1/events?follow').next()).rejects.toMatchObject({ code: 'busy' })
    stop.abort()
    await vi.waitFor(async () => {
      const again = client.follow('/v1/events?follow&after=0')
      expect((await again.next()).value).toMatchObject({ seq: 1 })
      await again.return(undefined)
    })
  })
})

describe('the sockets of a reload', () => {
  const paths = (name: string) => ({
    controlSocket: join(director.folder, name, 'control.sock'),
    statusSocket: director.reader,
    usual: { controlSocket: director.control, statusSocket: director.reader },
  })

  test('move where the configuration says; a link leads there from where the command line looks', async () => {
    const moved = paths('elsewhere')
    await director.api.sockets(moved)
    expect(director.api.where()).toEqual([moved.controlSocket, director.reader])
    expect(readlinkSync(director.control)).toBe(moved.controlSocket)
    expect(await apiClient(director.control).get('/v1/status')).toMatchObject({ node: 'd1' })
    expect((statSync(moved.controlSocket).mode & 0o777).toString(8)).toBe('660')
    await director.api.sockets({ ...moved, controlSocket: director.control })
    expect(lstatSync(director.control).isSocket()).toBe(true)
    expect(await apiClient(director.control).get('/v1/status')).toMatchObject({ node: 'd1' })
    expect(existsSync(moved.controlSocket)).toBe(false)
  })

  test('let the answer that is under way pass when they move', async () => {
    const client = apiClient(director.control)
    director.events.append({ at: noon, name: 'a.b', level: 'info', subject: 's', text: 'one' })
    const following = client.follow('/v1/events?follow&after=0')
    await following.next()
    await director.api.sockets(paths('elsewhere'))
    director.events.append({ at: noon, name: 'a.b', level: 'info', subject: 's', text: 'two' })
    expect((await following.next()).value).toMatchObject({ text: 'two' })
    await following.return(undefined)
  })

  test('take the place of no file that is no socket', async () => {
    const file = join(director.folder, 'precious')
    writeFileSync(file, 'words')
    await expect(director.api.sockets({ ...paths('.'), controlSocket: file })).rejects.toThrow('is no socket')
    expect(readFileSync(file, 'utf8')).toBe('words')
    expect(await apiClient(director.control).get('/v1/status')).toMatchObject({ node: 'd1' })
  })

  test('stay where they are when the new place cannot be had', async () => {
    writeFileSync(join(director.folder, 'file'), '')
    await expect(director.api.sockets(paths('file'))).rejects.toThrow(/ENOTDIR|EEXIST/)
    expect(await apiClient(director.control).get('/v1/status')).toMatchObject({ node: 'd1' })
  })

  test('say that a group does not exist', async () => {
    await expect(director.api.sockets({ ...paths('.'), group: 'no-such-group' })).rejects.toThrow(
      `there is no group no-such-group: only root may use ${director.control}`,
    )
  })

  test.runIf(process.getuid?.() === 0)('change their group and keep their connections', async () => {
    await director.api.sockets({ ...paths('.'), controlSocket: director.control, group: 'daemon' })
    expect(statSync(director.control).gid).toBe(groupId('daemon'))
    await director.api.sockets({ ...paths('.'), controlSocket: director.control, group: 'root' })
    expect(statSync(director.control).gid).toBe(0)
  })
})

/** A port of loopback that nobody listens on at the moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

describe('the TCP listener', () => {
  const get = async (base: string, path: string, token?: string, method = 'GET') => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: token ? { authorization: `Bearer ${token}` } : {},
    })
    return response.status
  }
  const tokens = () => {
    for (const name of ['read', 'admin']) writeFileSync(join(director.folder, `${name}.token`), `${name}-token\n`)
    return (['read', 'admin'] as const).map(access => ({
      name: access,
      access,
      file: join(director.folder, `${access}.token`),
    }))
  }

  test('lets each token do its part, and nobody else more than ask for health', async () => {
    const [base = ''] = await director.api.tcp([{ address: '127.0.0.1', port: 0, tokens: tokens() }])
    const table = await Promise.all(
      [undefined, 'wrong', 'read-token', 'admin-token'].map(async token => [
        await get(base, '/healthz', token),
        await get(base, '/v1/status', token),
        await get(base, '/v1/restart', token, 'POST'),
      ]),
    )
    expect(table).toEqual([
      [200, 401, 401],
      [200, 401, 401],
      [200, 200, 403],
      [200, 200, 200],
    ])
    expect(director.asked).toEqual([['restart', { author: 'token admin from 127.0.0.1' }]])
  })

  test('takes no token from an empty file', async () => {
    const file = join(director.folder, 'empty.token')
    writeFileSync(file, '\n')
    const [base = ''] = await director.api.tcp([
      { address: '127.0.0.1', port: 0, tokens: [{ name: 'x', access: 'admin', file }] },
    ])
    expect(await get(base, '/v1/restart', '', 'POST')).toBe(401)
    const response = await fetch(`${base}/v1/restart`, { method: 'POST', headers: { authorization: 'Bearer ' } })
    expect(response.status).toBe(401)
  })

  test('may let everybody read, and still nobody change', async () => {
    const [base = ''] = await director.api.tcp([{ address: '127.0.0.1', port: 0, tokens: [], anonymous: 'read' }])
    expect([await get(base, '/metrics'), await get(base, '/v1/restart', undefined, 'POST')]).toEqual([200, 403])
  })

  test('is not opened with an admin token in clear, unless on loopback', async () => {
    await expect(director.api.tcp([{ address: '0.0.0.0', port: 0, tokens: tokens() }])).rejects.toThrow(
      'give the listener tls',
    )
    await expect(director.api.tcp([{ port: 0, tokens: tokens() }])).rejects.toThrow('give the listener tls')
  })

  test('shows the status page unless that is switched off, and answers the rest', async () => {
    const listener = { address: '127.0.0.1', port: 0, tokens: [], anonymous: 'read' as const }
    const [base = '', bare = ''] = await director.api.tcp([listener, { ...listener, page: false }])
    expect([await get(base, '/'), await get(bare, '/'), await get(bare, '/metrics')]).toEqual([200, 404, 200])
  })

  test('that stays where it is keeps its connections in a reload, and asks for the new tokens', async () => {
    const port = await freePort()
    const [base = ''] = await director.api.tcp([{ address: '127.0.0.1', port, tokens: [], anonymous: 'read' }])
    director.events.append({ at: noon, name: 'a.b', level: 'info', subject: 's', text: 'one' })
    const reader = (await fetch(`${base}/v1/events?follow`)).body?.getReader()
    const next = async () => new TextDecoder().decode((await reader?.read())?.value)
    expect(await next()).toContain('one')
    expect(await director.api.tcp([{ address: '127.0.0.1', port, tokens: tokens() }])).toEqual([base])
    expect([await get(base, '/v1/status'), await get(base, '/v1/status', 'read-token')]).toEqual([401, 200])
    director.events.append({ at: noon, name: 'a.b', level: 'info', subject: 's', text: 'two' })
    expect(await next()).toContain('two')
    await reader?.cancel()
  })

  test('moves to TLS on the same port', async () => {
    const port = await freePort()
    await director.api.tcp([{ address: '127.0.0.1', port, tokens: [] }])
    const folder = join(import.meta.dirname, '../checkers/certificates')
    const tls = { certFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key') }
    const moved = await director.api.tcp([{ address: '127.0.0.1', port, tokens: [], tls }])
    expect(moved).toEqual([`https://127.0.0.1:${port}`])
    await expect(get(`http://127.0.0.1:${port}`, '/healthz')).rejects.toThrow()
    expect(await director.api.tcp([])).toEqual([])
  })

  test('is replaced by a reload', async () => {
    const [first = ''] = await director.api.tcp([{ address: '127.0.0.1', port: 0, tokens: [] }])
    const [second = ''] = await director.api.tcp([{ address: '127.0.0.1', port: 0, tokens: [] }])
    expect(await get(second, '/healthz')).toBe(200)
    await expect(get(first, '/healthz')).rejects.toThrow()
  })
})

describe('the client', () => {
  test('says that lvskeeper does not run', async () => {
    const path = join(director.folder, 'none.sock')
    await expect(apiClient(path).get('/v1/status')).rejects.toMatchObject({
      code: 'not-running',
      message: `lvskeeper does not run on this machine (nobody listens on ${path})`,
    })
  })

  test.runIf(process.getuid?.() === 0)('says that permission is denied', async () => {
    chmodSync(director.folder, 0o755)
    process.setegid?.(65_534)
    process.seteuid?.(65_534)
    const failure = await apiClient(director.control)
      .get('/v1/status')
      .catch((error: unknown) => error)
    const allowed = await apiClient(director.reader).get('/v1/status')
    process.seteuid?.(0)
    process.setegid?.(0)
    expect(failure).toMatchObject({
      code: 'permission',
      message: `permission denied on ${director.control}: use sudo, or join the group that owns it`,
    })
    expect(allowed).toMatchObject({ node: 'd1' })
  })

  test('hands on why a change was refused', async () => {
    director.reply = { error: { code: 'config', text: 'two errors', details: [1, 2] } }
    const failure = apiClient(director.control).post('/v1/reload', {})
    await expect(failure).rejects.toMatchObject({ code: 'config', message: 'two errors', details: [1, 2] })
  })

  test('does not wait for ever', async () => {
    const silent = join(director.folder, 'silent.sock')
    const server = createServer(() => {}).listen(silent)
    await expect(apiClient(silent, 100).get('/v1/status')).rejects.toMatchObject({ code: 'no-answer' })
    server.close()
  })

  test('gets the status and an explanation', async () => {
    const client = apiClient(director.control)
    expect(await client.get('/v1/status')).toEqual(JSON.parse(JSON.stringify(director.status)))
    const { servers } = await client.get<{ servers: unknown[] }>('/v1/explain?subject=web%2F10.9.0.21')
    expect(servers).toHaveLength(1)
  })
})
