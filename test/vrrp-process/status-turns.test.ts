import { describe, expect, test } from 'vitest'
import { statusTurns } from '../../src/vrrp/status-turns.js'

/** So many routers, and a loop that turns when told to. */
function reader(count: number) {
  const names = Array.from({ length: count }, (_, at) => `r${at}`)
  const seen: string[] = []
  const turns: (() => void)[] = []
  const gone = new Set<string>()
  let told = 0
  const begin = statusTurns<string>({
    names: () => names,
    status: name => (gone.has(name) ? undefined : name),
    each: name => seen.push(name),
    done: () => told++,
    turn: next => turns.push(next),
  })
  const turn = () => turns.shift()?.()
  return { names, seen, gone, turns, begin, turn, told: () => told }
}

describe('the statuses of the routers', () => {
  test('of a few are read at once', () => {
    const one = reader(16)
    one.begin()
    expect(one.seen).toEqual(one.names)
    expect([one.told(), one.turns.length]).toEqual([1, 0])
  })

  test('of many are read in turns of sixteen, each once, and told once', () => {
    const one = reader(40)
    one.begin()
    expect([one.seen.length, one.told()]).toEqual([16, 0])
    one.turn()
    expect([one.seen.length, one.told()]).toEqual([32, 0])
    one.turn()
    expect(one.seen).toEqual(one.names)
    expect([one.told(), one.turns.length]).toEqual([1, 0])
  })

  test('are read once more, from the first on, when somebody asked meanwhile', () => {
    const one = reader(20)
    one.begin()
    one.begin()
    one.begin()
    expect(one.turns).toHaveLength(1)
    for (let at = 0; at < 3; at++) one.turn()
    expect(one.seen).toEqual([...one.names, ...one.names])
    expect([one.told(), one.turns.length]).toEqual([2, 0])
    one.begin()
    expect(one.seen).toHaveLength(56)
  })

  test('leave out a router that went meanwhile', () => {
    const one = reader(20)
    one.begin()
    one.gone.add('r19')
    one.turn()
    expect(one.seen).toEqual(one.names.slice(0, 19))
    expect(one.told()).toBe(1)
  })

  test('are told even if there are none: whoever listens learns of that', () => {
    const one = reader(0)
    one.begin()
    expect(one.told()).toBe(1)
  })
})
