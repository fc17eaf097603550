import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { probeFor } from '../../../checkers/probe-for.js'
import { within } from '../listen.js'
import { debian, freePort, frozen, own, pidAt, start } from './real-server.js'

debian('/usr/bin/python3', 'python3-minimal')

test("an agent that speaks HAProxy's words is heard, and its last word holds while it is silent", async () => {
  const home = own('agent')
  const [port, words] = [await freePort(), join(home, 'words')]
  // As operators write them: a line of the machine's own for whoever connects.
  writeFileSync(
    join(home, 'agent.py'),
    `import socketserver
class Agent(socketserver.StreamRequestHandler):
    def handle(self):
        self.request.settimeout(0.2)
        try: asked = self.rfile.readline().decode().strip()
        except TimeoutError: asked = ''
        self.wfile.write(open('${words}').read().replace('ASKED', asked).encode())
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(('127.0.0.1', ${port}), Agent).serve_forever()
`,
  )
  writeFileSync(words, 'up ready 100%\n')
  const target = await start(port, '/usr/bin/python3', [join(home, 'agent.py')])
  // One probe for all: what an agent has said holds.
  const probe = probeFor({ kind: 'agent', send: 'load?\n' })
  const hears = async (line: string) => {
    writeFileSync(words, line)
    return probe(target, within(5000))
  }
  expect(await hears('up ready 100%\n')).toMatchObject({ passed: true, wish: { percent: 100, state: 'ready' } })
  expect(await hears('50%\n')).toMatchObject({ passed: true, wish: { percent: 50, state: 'ready' } })
  expect(await hears('drain ASKED\r\n')).toMatchObject({ detail: 'drain load?', wish: { state: 'drain' } })
  expect(await hears('maint maxconn:20\n')).toMatchObject({ wish: { state: 'maint', maxConnections: 20 } })
  expect(await hears('ready down # disk full\n')).toMatchObject({
    passed: false,
    reason: 'not-serving',
    detail: 'down: disk full',
  })
  expect(await hears('')).toMatchObject({ passed: false, detail: 'down: disk full' })
  expect(await hears('up 75%\n')).toMatchObject({ passed: true, wish: { percent: 75, state: 'ready' } })
  const silent = { passed: true, wish: { percent: 75 } } as const
  // Another check of it has heard nothing yet: silence is no failure.
  await frozen(target, { agent: [{ kind: 'agent' }, { passed: true, detail: 'the agent is silent: timeout' }] })
  process.kill(pidAt(target), 'SIGKILL')
  await expect
    .poll(() => probe(target, within(1000)))
    .toMatchObject({ ...silent, detail: 'the agent is silent: refused' })
})
