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

/** What the program was told, as soon as it was told so much. */
async function told(count: number): Promise<Said[]> {
  for (let tries = 0; tries < 300; tries++) {
    const lines = existsSync(said) ? readFileSync(said, 'utf8').split('\n').filter(Boolean) : []
    if (lines.length >= count) return lines.map(line => JSON.parse(line) as Said)
    await sleep(50)
  }
  throw new Error(`not told ${count} times: ${one.log()}`)
}

test('a real server that leaves the file while it is down ends what its receivers were told', async () => {
  const begun = await told(2)
  expect(begun.map(({ phase }) => phase)).toEqual(['trigger', 'trigger'])
  one.write(file('10.9.0.11'))
  await one.post('/v1/reload')
  expect((await told(3)).at(-1)).toMatchObject({ phase: 'resolve', key: 'server.down server web/127.0.0.2:8001' })
  one.write(file('10.9.0.11', '127.0.0.2'))
  await one.post('/v1/reload')
  expect((await told(4)).at(-1)).toMatchObject({ phase: 'trigger', key: 'server.down server web/127.0.0.2:8001' })
})
