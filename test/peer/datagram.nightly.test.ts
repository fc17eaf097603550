import { expect, test } from 'vitest'
import { type Datagram, decode, encode } from '../../src/peer/datagram.js'
import { random } from '../fakes/simulation.js'

const key = Buffer.from('a key of the pair')
const good: Datagram = {
  from: 'd1',
  boot: 'a',
  seq: 1,
  echo: ['b'],
  report: {
    version: '0.1.0',
    configHash: 'abc',
    generation: 3,
    tableReady: true,
    syncReady: false,
    maintenance: false,
    routers: [{ name: 'web', vrid: 51, state: 'backup', priority: 100 }],
  },
  digest: 'x',
  overrides: [],
  routerCount: 1,
}

test('millions of datagrams, random, nearly right, or wrong but signed, from a seed that is printed: nothing throws, and none that is not signed is believed', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000)
  const count = Number(process.env['DATAGRAMS'] ?? 2_000_000)
  console.log(`seed ${seed}, ${count} datagrams`)
  const rnd = random(seed)
  const whole = encode(good, key)
  expect(decode(whole, [key])).toHaveProperty('datagram')
  const text = JSON.stringify(good)
  const seen = new Map<string, number>()
  for (let i = 0; i < count; i++) {
    const kind = i % 4
    let bytes: Buffer
    if (kind === 0) bytes = Buffer.from(Array.from({ length: rnd.int(0, 120) }, () => rnd.int(0, 255)))
    else if (kind === 1) {
      bytes = Buffer.from(whole.subarray(0, rnd.chance(0.5) ? whole.length : rnd.int(0, whole.length)))
      if (bytes.length > 0) bytes[rnd.int(0, bytes.length - 1)]! ^= 1 << rnd.int(0, 7)
    } else if (kind === 2)
      bytes = Buffer.concat([Buffer.from('LVSK\x01'), Buffer.alloc(rnd.int(0, 80), rnd.int(0, 255))])
    else {
      // The right key behind a body that somebody else wrote: what a newer version may send.
      const at = rnd.int(0, text.length - 1)
      const body = `${text.slice(0, at)}${rnd.pick(['', '"', '{', 'null', '-1', '1e999', '\u0000'])}${text.slice(at + rnd.int(0, 12))}`
      const value: unknown = parsed(body)
      bytes = encode(value as Datagram, key)
    }
    const result = decode(bytes, [key])
    const what = 'discard' in result ? result.discard : 'believed'
    if (kind !== 3 && what === 'believed') expect({ i, what }).toEqual({ i, what: 'discarded' })
    seen.set(what, (seen.get(what) ?? 0) + 1)
  }
  console.log(Object.fromEntries(seen))
  for (const what of ['too-short', 'no-magic', 'version', 'mac', 'body', 'believed'])
    expect(seen.get(what) ?? 0, what).toBeGreaterThan(0)
})

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
