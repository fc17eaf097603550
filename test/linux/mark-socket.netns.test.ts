import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connectMarked } from '../../src/linux/mark-socket.js'
import { markedDial } from '../../src/linux/marked-dial.js'
import { type Segment, segment, sleep, until } from './namespaces.js'

let net: Segment
let server: Server
let peers: string[] = []
const open: Socket[] = []
beforeAll(async () => {
  net = segment()
  server = createServer(socket => {
    peers.push(socket.remoteAddress ?? '')
    socket.on('error', () => {})
    socket.end('hello')
  })
  await net.b.stay(() => new Promise<void>(done => server.listen(8080, '10.9.0.12', done)))
  // What carries mark 7 has no way to go; table 100 leads nowhere.
  net.a.run('ip', 'rule', 'add', 'fwmark', '7', 'table', '100')
  net.a.run('ip', 'route', 'add', 'unreachable', 'default', 'table', '100')
  net.a.run('ip', 'addr', 'add', '10.9.0.33/24', 'dev', 'eth0')
})
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy()
  peers = []
})
afterAll(async () => {
  await new Promise(closed => server.close(closed))
  net.remove()
})

const target = { address: '10.9.0.12', port: 8080 }

describe('a marked connection', () => {
  test('goes where the rules for its mark say, another one does not', async () => {
    open.push(await net.a.enter(() => connectMarked({ ...target, mark: 8, interface: 'eth0', source: '10.9.0.33' })))
    await until('the connection', () => peers.length === 1)
    expect(peers).toEqual(['10.9.0.33'])
    await expect(net.a.enter(() => connectMarked({ ...target, mark: 7 }))).rejects.toMatchObject({
      code: 'EHOSTUNREACH',
    })
  })

  test('to a port that nobody serves fails as refused, to silence it ends with its signal', async () => {
    await expect(net.a.enter(() => connectMarked({ ...target, port: 8081, mark: 8 }))).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
    net.a.run('ip', 'neigh', 'replace', '10.9.0.99', 'lladdr', '02:00:00:00:00:99', 'dev', 'eth0')
    const start = performance.now()
    await expect(
      net.a.enter(() => connectMarked({ address: '10.9.0.99', port: 80 }, AbortSignal.timeout(100))),
    ).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(performance.now() - start).toBeLessThan(1000)
  })

  test('serves the checkers as any other dial: connected, data, ended; and failed with the errno name', async () => {
    const heard = (mark: number, port: number) =>
      new Promise<string[]>(resolve => {
        const events: string[] = []
        net.a.enter(() =>
          markedDial({ mark })(
            { ...target, port },
            {
              connected: () => events.push('connected'),
              data: chunk => events.push(`data ${chunk}`),
              ended: () => resolve([...events, 'ended']),
              failed: code => resolve([...events, `failed ${code}`]),
            },
          ),
        )
      })
    expect(await heard(8, 8080)).toEqual(['connected', 'data hello', 'ended'])
    expect(await heard(8, 8081)).toEqual(['failed ECONNREFUSED'])
    expect(await heard(7, 8080)).toEqual(['failed EHOSTUNREACH'])
  })

  test('that is closed before it is there says nothing more', async () => {
    const events: string[] = []
    const note = (what: string) => () => events.push(what)
    const stream = net.a.enter(() =>
      markedDial({ mark: 8 })(target, {
        connected: note('connected'),
        data: note('data'),
        ended: note('ended'),
        failed: note('failed'),
      }),
    )
    stream.close('reset')
    await sleep(100)
    expect(events).toEqual([])
  })
})
