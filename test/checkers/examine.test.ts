import { createServer, type Socket } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { dial as nodeDial } from '../../checkers/dial.js'
import { examine, examined } from '../../checkers/examine.js'
import { sameJson } from '../../checkers/http-judge.js'
import type { Dial, Outcome } from '../../checkers/ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import type { TcpSpec } from '../../checkers/spec.js'
import { createBatchDial } from '../../src/linux/batch-dial.js'
import { httpSpec } from './check-spec.js'
import { listen } from './listen.js'

const batch = createBatchDial()
afterAll(() => batch.stop())

/** Reports the longest time for which no timer ran. */
function loopWatch() {
  let last = performance.now()
  let longest = 0
  const beat = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  const timer = setInterval(beat, 1)
  return () => {
    beat()
    clearInterval(timer)
    return longest
  }
}

function busy(ms: number) {
  for (const end = performance.now() + ms; performance.now() < end; );
}

const answering = (answer: string | Buffer) =>
  listen(
    createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(answer))
    }),
  )
const http = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const expecting = (regex: string, over: Partial<TcpSpec> = {}): TcpSpec => ({
  kind: 'tcp',
  steps: [{ send: { text: 'hi' } }, { expect: { regex } }],
  ...over,
})

test('two hundred answers of 10 ms each leave the loop its turns', async () => {
  const longest = loopWatch()
  let done = 0
  await new Promise<void>(resolve => {
    for (let count = 0; count < 200; count++)
      examine(() => {
        busy(10)
        if (++done === 200) resolve()
      })
  })
  expect(longest()).toBeLessThan(500)
})

test('cheap examinations share a turn, and what is added meanwhile is not forgotten', async () => {
  const order: number[] = []
  await new Promise<void>(resolve => {
    for (let count = 0; count < 3000; count++)
      examine(() => {
        order.push(count)
        if (count === 10) examine(() => resolve())
      })
  })
  expect(order).toEqual(Array.from({ length: 3000 }, (_, at) => at))
})

test('an answer that nobody came to look at in time is no failure of the server', async () => {
  examine(() => busy(60))
  const end = AbortSignal.timeout(10)
  const outcome = examined(() => ({ passed: false, reason: 'bad-body', layer: 'L7RSP' }), end)
  expect(await outcome).toMatchObject({ reason: 'local-error', layer: 'SOCKERR' })
})

test('an answer that nobody foresaw ends its own attempt only, and counts as a failure', async () => {
  const wrong = examined(() => {
    throw new RangeError('too deep')
  }, new AbortController().signal)
  const right = examined(() => ({ passed: true, layer: 'L7OK' }), new AbortController().signal)
  expect(await wrong).toMatchObject({ reason: 'bad-reply', detail: 'RangeError: too deep' })
  expect(await right).toMatchObject({ passed: true })
})

const dials: [string, Dial][] = [
  ['over Node’s sockets', nodeDial],
  ['in batches through libc', batch],
]
test.each(dials)(
  'slow patterns at many servers at once: the loop goes on, %s',
  async (_, dial) => {
    const target = await answering(http('foobarzzz'.repeat(1500)))
    const probe = probeFor(httpSpec({ bodyRegex: '(?i)(foo|bar)[a-z]{3,200}baz$' }), { dial })
    const began = performance.now()
    const longest = loopWatch()
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => probe(target, new AbortController().signal)))
    const took = performance.now() - began
    expect(longest()).toBeLessThan(took / 2)
    for (const outcome of outcomes) expect(outcome).toMatchObject({ passed: false, reason: 'bad-body' })
  },
  20_000,
)

test.each(dials)('JSON nested a hundred thousand deep is an answer like any other, %s', async (_, dial) => {
  const target = await answering(http(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`))
  const spec = httpSpec({ json: { pointer: '/a', equals: { b: [1, 2] } }, maxBytes: 1_000_000 })
  expect(await probeFor(spec, { dial })(target, AbortSignal.timeout(5000))).toEqual<Outcome>({
    passed: false,
    reason: 'bad-body',
    layer: 'L7RSP',
    detail: '/a is a list of 1',
    answer: `{"a":${'['.repeat(75)}`,
  })
})

test('a pattern is searched in the first 256 KiB of a large answer, and the outcome says so', async () => {
  const target = await answering(http(`${'x'.repeat(300_000)}ready`))
  const probe = probeFor(httpSpec({ bodyRegex: 'ready', maxBytes: 1_000_000 }), { dial: batch })
  expect(await probe(target, AbortSignal.timeout(5000))).toMatchObject({
    reason: 'bad-body',
    detail: 'pattern not found in the first 256 KiB',
  })
})

test('JSON values are the same whatever the order of their keys', () => {
  expect(sameJson({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toBe(true)
  for (const other of [{ a: 1 }, { a: 1, b: [{ c: null }], d: 1 }, { a: 1, b: { 0: { c: null } } }, null, [1], 'a'])
    expect(sameJson({ a: 1, b: [{ c: null }] }, other)).toBe(false)
})

test.each(dials)(
  'a pattern over an answer that comes byte by byte neither holds the loop nor the time, %s',
  async (_, dial) => {
    const target = await listen(
      createServer(socket => {
        socket.setNoDelay(true)
        socket.on('error', () => {})
        const drip = () => {
          for (let count = 0; count < 20 && !socket.destroyed; count++) socket.write('foobarzzz')
          if (!socket.destroyed) setImmediate(drip)
        }
        socket.once('data', drip)
      }),
    )
    const probe = probeFor(expecting('(?i)(foo|bar)[a-z]{3,200}baz$'), { dial })
    const end = new AbortController()
    setTimeout(() => end.abort(), 400)
    const longest = loopWatch()
    const outcome = await probe(target, end.signal)
    expect(outcome).toMatchObject({ passed: false })
    expect(['timeout', 'too-large']).toContain(outcome.passed || outcome.reason)
    expect(longest()).toBeLessThan(400)
  },
)

test.each(dials)('a banner in pieces is matched, %s', async (_, dial) => {
  const target = await listen(
    createServer(async socket => {
      socket.on('error', () => {})
      for (const piece of ['22', '0 mail', ' ready\r\n']) {
        socket.write(piece)
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    }),
  )
  const signal = AbortSignal.timeout(3000)
  expect(await probeFor(expecting('^220 .*ready'), { dial })(target, signal)).toMatchObject({ passed: true })
})

test('an answer that is followed by a reset at once is an answer', async () => {
  const target = await listen(
    createServer(socket => {
      socket.on('error', () => {})
      socket.write('+PONG\r\n')
    }),
  )
  const spec: TcpSpec = { kind: 'tcp', steps: [{ expect: { regex: '^\\+PONG' } }] }
  // What has been read before the reset counts, although it is looked at after it.
  const read: Dial = (to, events, options) => {
    const stream = nodeDial(
      to,
      {
        ...events,
        data(chunk) {
          events.data(chunk)
          stream.close('fin')
          events.failed('ECONNRESET')
        },
      },
      options,
    )
    return stream
  }
  expect(await probeFor(spec, { dial: read })(target, AbortSignal.timeout(3000))).toMatchObject({ passed: true })
  const wrong: TcpSpec = { kind: 'tcp', steps: [{ expect: { regex: '^HELLO' } }] }
  expect(await probeFor(wrong, { dial: read })(target, AbortSignal.timeout(3000))).toMatchObject({ reason: 'reset' })
})

test('a body of single bytes in chunks costs no more memory than it has bytes', async () => {
  const pieces = 60_000
  const sockets = new Set<Socket>()
  const target = await listen(
    createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => {})
      const body = '1\r\nx\r\n'.repeat(pieces)
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`))
    }),
  )
  const probe = probeFor(httpSpec({ bodyContains: 'y' }), { dial: batch })
  const end = new AbortController()
  const waiting = Array.from({ length: 20 }, () => probe(target, end.signal))
  const before = process.memoryUsage().heapUsed
  await new Promise(resolve => setTimeout(resolve, 500))
  const grown = process.memoryUsage().heapUsed - before
  end.abort()
  for (const outcome of await Promise.all(waiting)) expect(outcome).toMatchObject({ reason: 'timeout' })
  for (const socket of sockets) socket.destroy()
  // With an object for each byte it was 52 MB after this time, and grew.
  expect(grown).toBeLessThan(20 * 2 ** 20)
})
