import { expect, test } from 'vitest'
import { createArpLeaks } from '../../src/checking/arp-leaks.js'
import type { Pool } from '../../src/checking/pool.js'
import type { Conflict } from '../../src/linux/conflict-probe.js'
import type { Links } from '../../src/linux/links.js'
import type { Event } from '../../src/messages.js'

const mac = '02:00:00:00:00:21'

/** A director with these VIPs on eth0, in services of their own in direct routing, on a segment that answers as the test says. */
function setup(vips: readonly string[]) {
  const own = new Set(vips)
  const answers = new Map<string, Conflict>()
  const told: Event[] = []
  const changed: string[] = []
  let asking = 0
  let most = 0
  const link = { name: 'eth0', index: 2, running: true }
  const links = {
    addresses: () => [...own].map(address => ({ address, index: 2 })),
    byIndex: () => link,
  } as unknown as Links
  const service = (vip: string) => ({
    config: { name: `s ${vip}`, ids: [{ protocol: 'tcp', address: vip, port: 80 }] },
    members: [{ server: { address: '10.9.0.21', port: 80, forward: 'dr' } }],
  })
  const services = new Map(vips.map(vip => [`s ${vip}`, service(vip)]))
  const pool = { services: () => services } as unknown as Pick<Pool, 'services'>
  const leaks = createArpLeaks({
    links,
    pool,
    tell: event => told.push(event),
    changed: name => changed.push(name),
    neighbours: async () => [{ address: '10.9.0.21', mac }] as never,
    async probe({ address }) {
      most = Math.max(most, ++asking)
      await new Promise(resolve => setTimeout(resolve, 2))
      asking--
      return answers.get(address) ?? { nobody: true }
    },
  })
  return {
    leaks,
    own,
    answers,
    told: () => told.splice(0).map(({ name, subject }) => `${name} ${subject}`),
    changed,
    most: () => most,
  }
}

test('a real server that answers for the VIP is told once by its name, and its end once', async () => {
  const { leaks, answers, told } = setup(['10.9.0.100'])
  answers.set('10.9.0.100', { mac })
  await leaks.look()
  await leaks.look()
  expect(told()).toEqual(['arp.leak server s 10.9.0.100/10.9.0.21:80'])
  expect(leaks.of('s 10.9.0.100')).toMatchObject([{ mac, server: '10.9.0.21:80' }])
  answers.clear()
  await leaks.look()
  expect(told()).toEqual(['arp.leak-ended service s 10.9.0.100'])
})

test('a question that could not be asked ends nothing', async () => {
  const { leaks, answers, told } = setup(['10.9.0.100'])
  answers.set('10.9.0.100', { mac })
  await leaks.look()
  answers.set('10.9.0.100', { refused: 'ENOBUFS' })
  await leaks.look()
  expect(told()).toHaveLength(1)
  expect(leaks.of('s 10.9.0.100')).toHaveLength(1)
})

test('a director that has given the VIP away shows no leak that it cannot see any more', async () => {
  const { leaks, own, answers, told, changed } = setup(['10.9.0.100'])
  answers.set('10.9.0.100', { mac })
  await leaks.look()
  told()
  own.clear()
  await leaks.look()
  expect(leaks.of('s 10.9.0.100')).toEqual([])
  expect(told()).toEqual([])
  expect(changed).toEqual(['s 10.9.0.100', 's 10.9.0.100'])
})

test('many VIPs are asked for sixteen at a time', async () => {
  const vips = Array.from({ length: 100 }, (_, at) => `10.9.1.${at}`)
  const { leaks, answers, told, most } = setup(vips)
  for (const vip of ['10.9.1.3', '10.9.1.99']) answers.set(vip, { mac })
  await leaks.look()
  expect(most()).toBe(16)
  expect(told().sort()).toEqual(['arp.leak server s 10.9.1.3/10.9.0.21:80', 'arp.leak server s 10.9.1.99/10.9.0.21:80'])
})
