import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { dial } from '../../checkers/dial.js'
import type { TcpSpec } from '../../checkers/spec.js'
import { tcpProbe } from '../../checkers/tcp.js'

let server: Server | undefined
afterEach(() => new Promise<void>(resolve => (server ? server.close(() => resolve()) : resolve())))

async function serve(onSocket: (socket: Socket) => void) {
  server = createServer(socket => {
    socket.on('error', () => {})
    onSocket(socket)
  })
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
  return { address: '127.0.0.1', port: (server.address() as { port: number }).port }
}

const probe = (over: Partial<TcpSpec> = {}) => tcpProbe({ steps: [], ...over }, dial)
const soon = (ms = 150) => AbortSignal.timeout(ms)

describe('a tcp check', () => {
  test('passes when the connection is accepted', async () => {
    const target = await serve(() => {})
    expect(await probe()(target, soon(5000))).toEqual({ passed: true, layer: 'L4OK' })
  })

  test('fails as refused where nobody listens', async () => {
    const target = await serve(() => {})
    await new Promise(resolve => server?.close(resolve))
    server = undefined
    expect(await probe()(target, soon(5000))).toMatchObject({ passed: false, reason: 'refused', layer: 'L4CON' })
  })

  test('counts a network that this director has no route to as its own trouble', async () => {
    // Linux refuses a TCP connection to a multicast address with ENETUNREACH, without a packet.
    const outcome = await probe()({ address: '224.0.0.1', port: 80 }, soon(5000))
    expect(outcome).toMatchObject({ passed: false, reason: 'local-error', layer: 'SOCKERR' })
  })

  test('speaks and listens step by step', async () => {
    const target = await serve(socket => {
      socket.write('220 hello\r\n')
      socket.on('data', data => socket.write(`you said ${data}`))
    })
    const steps = [
      { expect: { regex: '^220' } },
      { send: { text: 'PING' } },
      { expect: { contains: { hex: '50 49 4e 47' } } },
    ]
    expect(await probe({ steps })(target, soon(5000))).toEqual({ passed: true, layer: 'L7OK' })
  })

  test('times out at layer 7 with the first bytes of what was said instead', async () => {
    const target = await serve(socket => socket.write('500 no\r\n'))
    expect(await probe({ steps: [{ expect: { regex: '^220' } }] })(target, soon())).toEqual({
      passed: false,
      reason: 'timeout',
      layer: 'L7TOUT',
      detail: 'at step 1 of 1',
      answer: '500 no\\r\\n',
    })
  })

  test('fails as closed, or with the wrong answer, when the server hangs up', async () => {
    const silent = await serve(socket => socket.end())
    expect(await probe({ steps: [{ expect: { regex: '.' } }] })(silent, soon(5000))).toMatchObject({ reason: 'closed' })
    await new Promise(resolve => server?.close(resolve))
    const rude = await serve(socket => socket.end('go away'))
    expect(await probe({ steps: [{ expect: { contains: { text: '220' } } }] })(rude, soon(5000))).toMatchObject({
      reason: 'bad-reply',
      answer: 'go away',
    })
  })

  test('fails as reset when the server resets the conversation', async () => {
    const target = await serve(socket => socket.once('data', () => socket.resetAndDestroy()))
    const steps = [{ send: { text: 'x' } }, { expect: { regex: '.' } }]
    expect(await probe({ steps })(target, soon(5000))).toMatchObject({ reason: 'reset', layer: 'L7RSP' })
  })

  test('stops reading an endless answer', async () => {
    const target = await serve(socket => {
      const flood = setInterval(() => socket.write(Buffer.alloc(65_536, 'x')), 1)
      socket.on('close', () => clearInterval(flood))
    })
    expect(await probe({ steps: [{ expect: { regex: 'y' } }] })(target, soon(5000))).toMatchObject({
      reason: 'too-large',
    })
  })

  test.each([
    [1 as const, Buffer.from('PROXY UNKNOWN\r\n')],
    [2 as const, Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')],
  ])('introduces itself with PROXY version %i', async (proxy, wanted) => {
    let got: Buffer = Buffer.alloc(0)
    const target = await serve(socket =>
      socket.on('data', data => {
        got = Buffer.concat([got, data])
        socket.write('ok')
      }),
    )
    expect(await probe({ proxy, steps: [{ expect: { contains: { text: 'ok' } } }] })(target, soon(5000))).toMatchObject(
      {
        passed: true,
      },
    )
    expect(got).toEqual(wanted)
  })
})
