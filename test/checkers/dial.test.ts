import { spawn } from 'node:child_process'
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { dial as nodeDial } from '../../checkers/dial.js'
import { httpProbe } from '../../checkers/http.js'
import type { Dial, StreamEvents, Target } from '../../checkers/ports.js'
import { createBatchDial } from '../../src/linux/batch-dial.js'
import { httpSpec } from './check-spec.js'
import { listen, within } from './listen.js'

const batch = createBatchDial()
afterAll(() => batch.stop())

/** Dials and writes down what happens, until it is over or `until` says so. */
function record(dial: Dial, target: Target, act: Partial<StreamEvents> & { until?: (log: string[]) => boolean } = {}) {
  return new Promise<{ log: string[]; stream: ReturnType<Dial> }>(resolve => {
    const log: string[] = []
    const note = (line: string) => {
      log.push(line)
      if (/^(ended|failed)/.test(line) || act.until?.(log)) resolve({ log, stream })
    }
    const stream = dial(target, {
      connected() {
        note('connected')
        act.connected?.()
      },
      data: chunk => note(`data ${chunk.length}`),
      ended: () => note('ended'),
      failed: errno => note(`failed ${errno}`),
    })
  })
}

describe.each([
  ['of Node’s sockets', nodeDial],
  ['in batches through libc', batch as Dial],
])('a dial %s', (_, dial) => {
  test('connects, reads to the end, and is over', async () => {
    const target = await listen(createServer(socket => socket.end('hello')))
    expect((await record(dial, target)).log).toEqual(['connected', 'data 5', 'ended'])
  })

  test('fails with the errno where nobody listens', async () => {
    expect((await record(dial, { address: '127.0.0.1', port: 1 })).log).toEqual(['failed ECONNREFUSED'])
    expect((await record(dial, { address: '224.0.0.1', port: 1 })).log).toEqual(['failed ENETUNREACH'])
  })

  test('speaks IPv6', async () => {
    const server = createServer(socket => socket.end('six'))
    await new Promise<void>(resolve => server.listen(0, '::1', resolve))
    onTestFinished(() => new Promise<void>(resolve => server.close(() => resolve())))
    const { port } = server.address() as { port: number }
    expect((await record(dial, { address: '::1', port })).log).toEqual(['connected', 'data 3', 'ended'])
  })

  test('tells a reset from an end', async () => {
    const target = await listen(createServer(socket => socket.once('data', () => socket.resetAndDestroy())))
    const events: string[] = []
    await new Promise<void>(resolve => {
      const stream = dial(target, {
        connected: () => stream.send(Buffer.from('x')),
        data() {},
        ended: () => resolve(void events.push('ended')),
        failed: errno => resolve(void events.push(errno)),
      })
    })
    expect(events).toEqual(['ECONNRESET'])
  })

  test('sends what was given to it before and after the connect, in order, megabytes too', async () => {
    const parts: Buffer[] = []
    const whole = Buffer.concat([Buffer.from('first'), Buffer.alloc(4_000_000, 'x'), Buffer.from('last')])
    const target = await listen(
      createServer(socket => {
        socket.on('data', chunk => parts.push(chunk))
        socket.on('data', () => Buffer.concat(parts).length === whole.length && socket.end('done'))
      }),
    )
    const { log } = await new Promise<{ log: string[] }>(resolve => {
      const log: string[] = []
      const stream = dial(target, {
        connected() {
          stream.send(whole.subarray(5, -4))
          stream.send(whole.subarray(-4))
        },
        data: chunk => log.push(chunk.toString()),
        ended: () => resolve({ log }),
        failed: errno => resolve({ log: [errno] }),
      })
      stream.send(whole.subarray(0, 5))
    })
    expect(log).toEqual(['done'])
    expect(Buffer.concat(parts).equals(whole)).toBe(true)
  }, 20_000)

  test('is silent after it was closed, by end or by reset', async () => {
    const seen: string[] = []
    let server: Server | undefined
    const target = await new Promise<Target>(resolve => {
      server = createServer((socket: Socket) => {
        socket.on('error', (error: NodeJS.ErrnoException) => seen.push(error.code ?? ''))
        socket.on('end', () => seen.push('end'))
        socket.resume()
        socket.write('banner')
      })
      listen(server).then(resolve)
    })
    for (const how of ['fin', 'reset'] as const) {
      const { log, stream } = await record(dial, target, { until: events => events[0] === 'connected' })
      stream.close(how)
      const length = log.length
      await new Promise(resolve => setTimeout(resolve, 50))
      expect(log).toHaveLength(length)
    }
    expect(seen).toHaveLength(2)
    expect(seen[1]).toBe('ECONNRESET')
  })

  test('carries a thousand checks at once, each with its own answer', async () => {
    const target = await listen(
      createServer(socket =>
        socket.once('data', said => {
          const path = /GET \/(\d+)/.exec(said.toString())?.[1] ?? ''
          socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`)
        }),
      ),
    )
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, (_, at) =>
        httpProbe(httpSpec({ path: `/${at}`, bodyRegex: `^${at}$` }), dial)(target, within(9000)),
      ),
    )
    expect(outcomes.filter(({ passed }) => passed)).toHaveLength(1000)
  })
})

test('a stream in batches that is sent as fast as it is read leaves the loop its turns, and loses nothing', async () => {
  const size = 256 * 2 ** 20
  // A process of its own: in this one it could not send while we read.
  const script = `const { createServer } = require('node:net')
const server = createServer(socket => socket.on('error', () => {}).end(Buffer.alloc(${size})))
server.listen(0, '127.0.0.1', () => process.send(server.address().port))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const port = await new Promise<number>(resolve => child.once('message', value => resolve(Number(value))))
  let total = 0
  let turn = 0
  let most = 0
  let watching = true
  const tick = () => {
    most = Math.max(most, turn)
    turn = 0
    if (watching) setImmediate(tick)
  }
  tick()
  await new Promise<void>(resolve => {
    batch(
      { address: '127.0.0.1', port },
      {
        connected() {},
        data(chunk) {
          total += chunk.length
          turn += chunk.length
        },
        ended: resolve,
        failed: () => resolve(),
      },
    )
  })
  watching = false
  expect(total).toBe(size)
  // The end of what was put off, and an edge in the same turn.
  expect(most).toBeLessThanOrEqual(2 * 2 ** 20)
}, 20_000)
