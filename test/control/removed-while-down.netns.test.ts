import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { segment, sleep } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)
const said = join(one.folder, 'said')
const file = (...servers: string[]) => `directors:
  d1: { address: 10.9.0.11 }
virtual_servers:
  web:
    address: 10.9.0.100:8001
    forward: nat
    check: { tcp: {}, interval: 300ms, timeout: 200ms, rise: 1, fall: 1 }
    real_servers: [${servers.join(', ')}]
alerts:
  - exec: { argv: [${join(one.folder, 'tell')}] }
    events: server.down
    for: service web
`
beforeAll(async () => {
  writeFileSync(join(one.folder, 'tell'), `#!/bin/sh\ncat >> ${said}\n`)
  chmodSync(join(one.folder, 'tell'), 0o755)
  one.write(file('10.9.0.11', '127.0.0.2'))
  await one.start()
})
afterAll(async () => {
  await one.stop()
  one.remove()
  net.remove()
})

type Said = { readonly phase: string; readonly key: string }

/** The phases that the program was told of a real server, as soon as they are so many. */
async function told(server: string, count: number): Promise<string[]> {
  const end = performance.now() + 30_000
  for (;;) {
    // What follows the last line end is still being written.
    const lines = existsSync(said) ? readFileSync(said, 'utf8').split('\n').slice(0, -1).filter(Boolean) : []
    const phases = lines
      .map(line => JSON.parse(line) as Said)
      .filter(({ key }) => key === `server.down server web/${server}:8001`)
      .map(({ phase }) => phase)
    if (phases.length >= count) return phases
    if (performance.now() > end) throw new Error(`of ${server} told ${lines.join()} only: ${one.log()}`)
    await sleep(50)
  }
}

test('a real server that leaves the file while it is down ends what its receivers were told', async () => {
  expect(await told('10.9.0.11', 1)).toEqual(['trigger'])
  expect(await told('127.0.0.2', 1)).toEqual(['trigger'])
  one.write(file('10.9.0.11'))
  await one.post('/v1/reload')
  expect(await told('127.0.0.2', 2)).toEqual(['trigger', 'resolve'])
  one.write(file('10.9.0.11', '127.0.0.2'))
  await one.post('/v1/reload')
  expect(await told('127.0.0.2', 3)).toEqual(['trigger', 'resolve', 'trigger'])
  // The other one stayed down all the while.
  expect(await told('10.9.0.11', 1)).toEqual(['trigger'])
})
