import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ProbeSpec } from '../../../checkers/spec.js'
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

debian('/usr/lib/python3/dist-packages/grpc', 'python3-grpcio')

test('a gRPC server says of each of its services whether it serves', async () => {
  const [port, tlsPort, bare] = [await freePort(), await freePort(), await freePort()]
  const script = join(own('grpc'), 'server.py')
  writeFileSync(
    script,
    `import grpc
from concurrent import futures
states = {'': 1, 'up': 1, 'down': 2}
def check(request, context):
    name = request[2:].decode()
    if name not in states: context.abort(grpc.StatusCode.NOT_FOUND, 'unknown service')
    return bytes([8, states[name]])
class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == '/grpc.health.v1.Health/Check': return grpc.unary_unary_rpc_method_handler(check)
pem = lambda name: open('${certificates}/' + name, 'rb').read()
secret = grpc.ssl_server_credentials(((pem('server.key'), pem('server.crt')),))
servers = []
for port, handlers, tls in ((${bare}, (), False), (${tlsPort}, (Health(),), True), (${port}, (Health(),), False)):
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=handlers)
    where = '127.0.0.1:%d' % port
    assert server.add_secure_port(where, secret) if tls else server.add_insecure_port(where)
    server.start()
    servers.append(server)
servers[-1].wait_for_termination()
`,
  )
  const target = await start(port, '/usr/bin/python3', [script])
  const grpc = (service: string): ProbeSpec => ({ kind: 'grpc', service })
  for (const service of ['', 'up'])
    expect(await ask(grpc(service), target)).toMatchObject({ passed: true, detail: 'SERVING' })
  expect(await ask(grpc('down'), target)).toMatchObject({ reason: 'not-serving', detail: 'NOT_SERVING' })
  expect(await ask(grpc('none'), target)).toMatchObject({
    reason: 'not-serving',
    detail: 'grpc-status 5 unknown service',
  })
  // A server without the health service.
  expect(await ask(grpc(''), { ...target, port: bare })).toMatchObject({
    reason: 'not-serving',
    detail: expect.stringContaining('grpc-status 12'),
  })
  expect(await askNobody(grpc(''), target)).toMatchObject(refused)
  const secure = { ...target, port: tlsPort }
  const overTls = (service: string, over = trusting): ProbeSpec => ({ kind: 'grpc', service, tls: over })
  expect(await ask(overTls('up'), secure)).toMatchObject({ passed: true, detail: 'SERVING' })
  expect(await ask(overTls('down'), secure)).toMatchObject({ reason: 'not-serving', detail: 'NOT_SERVING' })
  expect(await ask(overTls('up', tls), secure)).toMatchObject({ reason: 'certificate', layer: 'L6RSP' })
  expect(await askNobody(overTls('up'), secure)).toMatchObject(refused)
  // The other of its two ports.
  expect(await ask(overTls('up'), target)).toMatchObject({ reason: 'tls', layer: 'L6RSP' })
  expect(await ask(grpc('up'), secure)).toMatchObject({ passed: false })
  await frozen(target, { grpc: [grpc(''), unheard], 'grpc with tls': [overTls(''), unshaken, tlsPort] })
})
