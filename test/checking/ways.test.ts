import { expect, test } from 'vitest'
import { createWays } from '../../src/checking/ways.js'
import type { Link, LinkAddress, LinkEvent } from '../../src/linux/links.js'

const link = (index: number, running: boolean): Link => ({
  index,
  name: `eth${index}`,
  up: true,
  running,
  mac: '',
  mtu: 1500,
  master: 0,
  parent: 0,
  kind: '',
  alias: '',
})

function machine() {
  const all = new Map([
    [0, link(0, true)],
    [1, link(1, true)],
  ])
  const own = [
    { index: 0, address: '10.9.0.11' },
    { index: 1, address: '10.9.1.11' },
  ] as unknown as LinkAddress[]
  const route: Record<string, string> = { '10.9.1.21': '10.9.1.11' }
  let listener: (event: LinkEvent) => void = () => {}
  const ways = createWays(
    {
      addresses: () => own,
      byIndex: index => all.get(index),
      watch(next) {
        listener = next
        return () => {}
      },
    },
    address => {
      const source = route[address]
      return source === undefined ? { errno: 'ENETUNREACH' } : { source }
    },
  )
  return {
    ways,
    route,
    turn(index: number, running: boolean) {
      const before = all.get(index)!
      all.set(index, link(index, running))
      listener({ type: 'link', link: link(index, running), before })
    },
  }
}
const server = { address: '10.9.1.21', port: 80 }

test('nothing excuses a real server behind a link that is up', () => {
  const { ways } = machine()
  expect(ways.excuse(server)).toBeUndefined()
  expect(ways.up([server.address])).toBe(true)
})

test('a link that is down excuses it, even when a default route takes the place of the way', () => {
  const { ways, turn, route } = machine()
  ways.learn([server.address])
  turn(1, false)
  route[server.address] = '10.9.0.11'
  expect(ways.excuse(server)).toBe('eth1 has no carrier')
  expect(ways.up([server.address])).toBe(false)
  turn(1, true)
  expect(ways.excuse(server)).toBeUndefined()
})

test('no route excuses it', () =>
  expect(machine().ways.excuse({ address: '192.0.2.1', port: 80 })).toBe('no route to 192.0.2.1 (ENETUNREACH)'))

test('tells which real servers are behind a link that changes', () => {
  const { ways, turn } = machine()
  const told: string[] = []
  ways.watch(addresses => told.push(...addresses))
  ways.learn([server.address])
  turn(0, false)
  expect(told).toEqual([])
  turn(1, false)
  expect(told).toEqual([server.address])
})
