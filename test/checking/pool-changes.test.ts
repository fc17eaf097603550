import { expect, test } from 'vitest'
import type { ServiceConfig } from '../../config/config.js'
import { loadConfig } from '../../config/load.js'
import { createPool } from '../../src/checking/pool.js'

function services(servers: Readonly<Record<string, string>>): readonly ServiceConfig[] {
  const each = Object.entries(servers).map(
    ([name, list], at) =>
      `  ${name}: { address: '10.9.0.${100 + at}:80', forward: dr, check: port, real_servers: [${list}] }\n`,
  )
  const text = `directors:\n  d1: { address: 10.9.0.11 }\nchecks:\n  port: { tcp: {} }\nvirtual_servers:\n${each.join('')}`
  const loaded = loadConfig(text, { file: 'x.yaml', hostname: 'd1', localAddresses: ['10.9.0.11'], node: 'd1' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  return loaded.config.services
}

function setup() {
  const pool = createPool({ report: () => undefined }, () => 0)
  const tell = (servers: Readonly<Record<string, string>>) => {
    for (const config of Object.keys(servers).length > 0 ? services(servers) : [])
      pool.upsert(config.name, JSON.stringify(config), config)
    const { gone, wanted, moved } = pool.changes()
    return { wanted: [...wanted.values()].map(({ target }) => target.address), gone: gone.length, moved }
  }
  return { pool, tell }
}

test('only what was told since the last time is named', () => {
  const { tell } = setup()
  expect(tell({ web: '10.9.0.21, 10.9.0.22', mail: '10.9.0.23' })).toEqual({
    wanted: ['10.9.0.21', '10.9.0.22', '10.9.0.23'],
    gone: 0,
    moved: true,
  })
  expect(tell({ web: '10.9.0.21, { address: 10.9.0.22, weight: 2 }' })).toEqual({
    wanted: ['10.9.0.21', '10.9.0.22'],
    gone: 0,
    moved: false,
  })
  expect(tell({})).toEqual({ wanted: [], gone: 0, moved: false })
  expect(tell({ web: '10.9.0.22' })).toEqual({ wanted: ['10.9.0.22'], gone: 1, moved: true })
})

test('a check that two virtual servers share goes with the second of them', () => {
  const { pool, tell } = setup()
  tell({ web: '10.9.0.21', mail: '10.9.0.21' })
  const key = pool.services().get('web')?.members[0]?.checkKeys[0] ?? ''
  expect(pool.namesOf(key)).toEqual(['web', 'mail'])
  pool.remove('web')
  expect(pool.changes()).toEqual({ gone: [], wanted: new Map(), moved: true })
  expect(pool.namesOf(key)).toEqual(['mail'])
  pool.remove('mail')
  expect(pool.changes().gone).toEqual([key])
  expect(pool.namesOf(key)).toEqual([])
})

test('a check that moves from one virtual server to another in one change goes on', () => {
  const { tell } = setup()
  tell({ web: '10.9.0.21', mail: '10.9.0.22' })
  expect(tell({ web: '10.9.0.22', mail: '10.9.0.21' })).toEqual({
    wanted: ['10.9.0.22', '10.9.0.21'],
    gone: 0,
    moved: true,
  })
})

test('a drain has its deadline in the time of this process, the same however often it is asked for', () => {
  const { pool, tell } = setup()
  tell({ web: '10.9.0.21' })
  const order = { service: 'web', address: '10.9.0.21', port: 80, author: 'ann', at: 1 } as const
  const said = () => pool.inputs(() => false)[0]?.servers[0]?.override
  const drain = { ...order, verb: 'drain', deadline: Date.now() + 60_000, activeOnly: true } as const
  pool.setOverrides([drain])
  const first = said()
  // This process is at 0.
  expect(first).toEqual({ verb: 'drain', deadline: expect.closeTo(60_000, -3), inactive: false })
  tell({ web: '10.9.0.21, 10.9.0.22' })
  expect(said()).toBe(first)
  pool.setOverrides([{ ...drain }, { ...order, address: '10.9.0.22', verb: 'maint' }])
  tell({ web: '10.9.0.21' })
  expect(said()).toBe(first)
  pool.setOverrides([{ ...order, verb: 'drain' }])
  expect(said()).toEqual({ verb: 'drain' })
})

test('an override is about the virtual servers that have its real server, and computes no other anew', () => {
  const { pool, tell } = setup()
  tell({ web: '10.9.0.21', mail: '10.9.0.22', both: '10.9.0.21, 10.9.0.22' })
  const before = pool.inputs(() => false)
  const order = { service: '*', address: '10.9.0.21', port: 0, verb: 'maint', author: 'ann', at: 1 } as const
  const more = { ...order, service: 'mail', address: '10.9.0.22' }
  expect(pool.setOverrides([order])).toEqual(['web', 'both'])
  const after = pool.inputs(() => false)
  expect(after.map((input, at) => input === before[at])).toEqual([false, true, false])
  expect(pool.setOverrides([{ ...order }])).toEqual([])
  expect(pool.setOverrides([{ ...order }, more])).toEqual(['mail', 'both'])
  expect(pool.setOverrides([more])).toEqual(['web', 'both'])
  expect(pool.inputs(() => false).map(({ servers }) => servers.map(({ override }) => override?.verb))).toEqual([
    [undefined],
    ['maint'],
    [undefined, undefined],
  ])
  expect(pool.setOverrides([])).toEqual(['mail', 'both'])
})
