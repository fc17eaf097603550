import { describe, expect, test } from 'vitest'
import { createTwoBox } from '../../src/checking/two-box.js'
import type { Event } from '../../src/messages.js'

const VIP = '10.9.0.100'
const names = { lo: 1, eth0: 2 } as const

function box() {
  const places = new Set<keyof typeof names>()
  const written: string[] = []
  const told: Event[] = []
  let refuse: string | undefined
  const made = createTwoBox({
    links: {
      addresses: () => [...places].map(name => ({ index: names[name], address: VIP })) as never,
      byName: name => (name === 'lo' ? ({ index: 1 } as never) : undefined),
    },
    loopback: {
      async converge(wanted) {
        if (refuse) throw new Error(refuse)
        places[wanted.length > 0 ? 'add' : 'delete']('lo')
      },
    },
    set: ({ name, value }) => void written.push(`${name.split('.').at(-1)}=${value}`),
    tell: event => void told.push(event),
  })
  return {
    ...made,
    places,
    written,
    told,
    refuse: (text: string | undefined) => {
      refuse = text
    },
  }
}

describe('a director that is a real server', () => {
  test('balances while it has the VIP on an interface, and only then: lo does not count', async () => {
    const one = box()
    const [balancing, ...arp] = one.settings([VIP])
    expect(balancing).toMatchObject({ name: 'net.ipv4.vs.backup_only', value: '1' })
    expect(arp.map(({ name, value }) => [name, value])).toEqual([
      ['net.ipv4.conf.all.arp_ignore', '1'],
      ['net.ipv4.conf.all.arp_announce', '2'],
    ])
    await one.converge()
    one.look()
    one.places.add('eth0')
    one.look()
    one.places.delete('eth0')
    one.look()
    expect(one.written).toEqual(['backup_only=1', 'backup_only=0', 'backup_only=1'])
  })

  test('goes on balancing at its end until the VIP has left', async () => {
    const one = box()
    one.settings([VIP])
    one.places.add('eth0')
    const left = one.leave()
    await new Promise(wake => setTimeout(wake, 30))
    expect(one.written).toEqual([])
    one.places.delete('eth0')
    await left
    expect(one.written).toEqual(['backup_only=1'])
  })

  test('says once that the VIP cannot be put on lo, and again after it could', async () => {
    const one = box()
    one.settings([VIP])
    one.refuse('EPERM')
    await one.converge()
    await one.converge()
    one.refuse(undefined)
    await one.converge()
    one.refuse('EPERM')
    await one.converge()
    expect(one.told.map(({ name, text }) => [name, text])).toEqual([
      ['two-box.refused', 'EPERM'],
      ['two-box.refused', 'EPERM'],
    ])
  })

  test('at the end for good takes the VIP from lo, and sets nothing any more', async () => {
    const one = box()
    one.settings([VIP])
    await one.converge()
    expect([...one.places]).toEqual(['lo'])
    await one.clear()
    one.look()
    expect([...one.places]).toEqual([])
    expect(one.written).toEqual([])
  })

  test('is none where it serves none of its VIPs: nothing is set, and lo is cleared', async () => {
    const one = box()
    one.places.add('lo')
    expect(one.settings([])).toEqual([])
    await one.converge()
    one.look()
    expect([...one.places]).toEqual([])
    expect(one.written).toEqual([])
  })
})
