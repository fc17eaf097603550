import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chunks, difference, isEmpty } from '../../src/control/difference.js'
import { createDistribution, type Wanted } from '../../src/control/distribution.js'
import type { Address, Keyed, Message } from '../../src/messages.js'

const items = (map: Readonly<Record<string, string>>): Keyed[] =>
  Object.entries(map).map(([key, hash]) => ({ key, hash, value: { key, hash } }))
const held = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom('1', '2', '3'))

describe('the difference between what is wanted and what is held', () => {
  test('carried out in any chunks, is what is wanted; nothing that is equal is told again', () => {
    fc.assert(
      fc.property(held, held, fc.integer({ min: 1, max: 4 }), (wanted, holds, size) => {
        const told = difference(items(wanted), holds)
        const now: Record<string, string> = { ...holds }
        for (const { upsert, remove } of chunks(told, size)) {
          expect(upsert.length).toBeLessThanOrEqual(size)
          for (const key of remove) delete now[key]
          for (const { key, hash } of upsert) {
            expect(holds[key]).not.toBe(hash)
            now[key] = hash
          }
        }
        expect(now).toEqual(wanted)
        expect(isEmpty(difference(items(wanted), now))).toBe(true)
      }),
    )
  })
})

/** Children that carry out what they are told. */
function house() {
  const sent: [Address, Message][] = []
  const distribution = createDistribution((to, message) => sent.push([to, message]))
  const holds = { vrrp: {} as Record<string, string>, checkers: {} as Record<string, string> }
  const say = (role: 'vrrp' | 'checkers', fresh: boolean) =>
    distribution.hello({ type: 'hello', role, pid: 1, fresh, holds: { ...holds[role] } })
  function carryOut(role: 'vrrp' | 'checkers'): void {
    for (const [to, message] of sent.splice(0)) {
      if (to !== role) {
        kept.push([to, message])
        continue
      }
      if (message.type === 'settings') holds.checkers['settings'] = message.settings.hash
      if (message.type === 'routers' || message.type === 'services') {
        for (const key of message.remove) delete holds[role][key]
        for (const { key, hash } of message.upsert) holds[role][key] = hash
      }
      if (message.type === 'synced') say(role, false)
    }
    sent.push(...kept.splice(0))
  }
  const kept: [Address, Message][] = []
  return { distribution, holds, say, carryOut, sent, types: () => sent.map(([to, { type }]) => `${to} ${type}`) }
}

const wanted = (routers: Record<string, string>, services: Record<string, string>, settings = '1'): Wanted => ({
  routers: items(routers),
  services: items(services),
  settings: { key: 'settings', hash: settings, value: {} },
})

describe('the distribution of a configuration', () => {
  test('tells nothing before a child says what it holds, then everything, and is applied when both hold it', async () => {
    const { distribution, say, carryOut, types } = house()
    const applied = distribution.apply(wanted({ web: '1' }, { web: '1' }), 1_000)
    expect(types()).toEqual([])
    say('vrrp', true)
    expect(types()).toEqual(['vrrp routers', 'vrrp synced'])
    carryOut('vrrp')
    expect(distribution.lacking()).toEqual(['checkers'])
    say('checkers', true)
    expect(types()).toEqual(['checkers settings', 'checkers services', 'checkers synced'])
    carryOut('checkers')
    expect(await applied).toEqual([])
  })

  test('tells only what differs after an edit', async () => {
    const { distribution, say, carryOut, types } = house()
    const first = distribution.apply(wanted({ web: '1', mail: '1' }, { web: '1', mail: '1' }), 1_000)
    for (const role of ['vrrp', 'checkers'] as const) {
      say(role, true)
      carryOut(role)
    }
    await first
    const second = distribution.apply(wanted({ web: '1', mail: '1' }, { web: '2' }), 1_000)
    expect(types()).toEqual(['vrrp synced', 'checkers services', 'checkers services', 'checkers synced'])
    carryOut('vrrp')
    carryOut('checkers')
    expect(await second).toEqual([])
    expect(distribution.generation()).toBe(2)
  })

  test('that changes before the answer to the one before has come leaves nothing behind', async () => {
    const { distribution, holds, say, carryOut } = house()
    say('vrrp', true)
    say('checkers', true)
    const first = distribution.apply(wanted({ web: '1', mail: '1' }, { web: '1', mail: '1' }), 1_000)
    const second = distribution.apply(wanted({ web: '2' }, { web: '2' }, '2'), 1_000)
    const third = distribution.apply(wanted({ web: '1' }, { web: '1' }), 1_000)
    carryOut('vrrp')
    carryOut('checkers')
    expect(await Promise.all([first, second, third])).toEqual([[], [], []])
    expect(holds).toEqual({ vrrp: { web: '1' }, checkers: { web: '1', settings: '1' } })
  })

  test('says who does not carry it out in time', async () => {
    const { distribution, say, carryOut } = house()
    say('vrrp', true)
    const applied = distribution.apply(wanted({ web: '1' }, {}), 20)
    carryOut('vrrp')
    expect(await applied).toEqual(['checkers'])
  })

  test('tells a child that was started again all of it', async () => {
    const { distribution, holds, say, carryOut, types } = house()
    const applied = distribution.apply(wanted({ web: '1' }, {}), 1_000)
    for (const role of ['vrrp', 'checkers'] as const) {
      say(role, true)
      carryOut(role)
    }
    await applied
    distribution.lost('vrrp')
    holds.vrrp = {}
    expect(distribution.lacking()).toEqual(['vrrp'])
    say('vrrp', true)
    expect(types()).toEqual(['vrrp routers', 'vrrp synced'])
    carryOut('vrrp')
    expect(distribution.lacking()).toEqual([])
  })
})
