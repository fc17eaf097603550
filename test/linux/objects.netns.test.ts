import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { kernelAddresses } from '../../src/linux/addresses.js'
import { type LinkEvent, type Links, watchLinks } from '../../src/linux/links.js'
import { kernelMacvlans, type Macvlan, macvlanSysctls } from '../../src/linux/macvlan.js'
import { readNeighbours } from '../../src/linux/neighbours.js'
import { kernelRoutes } from '../../src/linux/routes.js'
import { interfaceSysctl, readSysctl, restoreSysctl, writeSysctl } from '../../src/linux/sysctl.js'
import { sysctlJournal } from '../../src/linux/sysctl-journal.js'
import { convergeVirtualMacs } from '../../src/linux/virtual-macs.js'
import { openLan, type VrrpSocket } from '../../src/linux/vrrp-socket.js'
import { withRoutes } from '../../src/linux/with-routes.js'
import { withdraw } from '../../src/linux/withdraw.js'
import { encodeAdvert } from '../../vrrp/packet.js'
import { type Segment, segment, until } from './namespaces.js'

let net: Segment
const closing: { close(): void }[] = []
beforeAll(() => {
  net = segment()
})
afterEach(() => {
  for (const one of closing.splice(0)) one.close()
})
afterAll(() => net.remove())

async function watch(): Promise<Links> {
  const links = await net.a.enter(() => watchLinks())
  closing.push(links)
  return links
}

describe('the interfaces', () => {
  test('are known by name with their state, their own addresses, and never a VIP as primary', async () => {
    const links = await watch()
    const addresses = net.a.enter(() => kernelAddresses(links))
    closing.push(addresses)
    await addresses.claim('web', [
      { address: '10.9.0.1', prefix: 24, interface: 'eth0' },
      { address: 'fe80::1', prefix: 64, interface: 'eth0' },
    ])
    const later = await watch()
    for (const known of [links, later]) {
      expect(known.byName('eth0')).toMatchObject({ name: 'eth0', up: true, running: true, kind: 'veth', mtu: 1500 })
      expect(known.primary('eth0', 4)).toBe('10.9.0.11')
      expect(known.primary('eth0', 6)).toBe('fe80::11')
      expect(known.primary('eth0', 6, 'global')).toBe('fd00:9::11')
      expect(known.primary('nothere', 4)).toBeUndefined()
    }
    await addresses.release('web')
  })

  test('tell of carrier, down, rename, master, MAC, removal and making anew', async () => {
    const links = await watch()
    const events: LinkEvent[] = []
    links.watch(event => events.push(event))
    const next = async (what: string, matches: (event: LinkEvent) => boolean) => {
      await until(what, () => events.some(matches))
      events.length = 0
    }
    const linkIs = (wanted: object) => (event: LinkEvent) =>
      event.type === 'link' && Object.entries(wanted).every(([key, value]) => event.link[key as 'name'] === value)

    net.a.run('ip', 'link', 'add', 'one0', 'type', 'veth', 'peer', 'name', 'one1')
    await next('the new one', linkIs({ name: 'one0', up: false }))
    const { index } = links.byName('one0')!
    net.a.run('ip', 'link', 'set', 'one0', 'up')
    await next('up without carrier', linkIs({ name: 'one0', up: true, running: false }))
    net.a.run('ip', 'link', 'set', 'one1', 'up')
    await next('carrier', linkIs({ name: 'one0', running: true }))
    net.a.run('ip', 'link', 'set', 'one1', 'down')
    await next('no carrier', linkIs({ name: 'one0', running: false }))
    net.a.run('ip', 'link', 'add', 'br0', 'type', 'bridge')
    net.a.run('ip', 'link', 'set', 'one0', 'master', 'br0')
    await next(
      'its bridge',
      event => event.type === 'link' && event.link.index === index && event.link.master === links.byName('br0')?.index,
    )
    net.a.run('ip', 'link', 'set', 'one0', 'nomaster')
    await next('no bridge', event => event.type === 'link' && event.link.index === index && event.link.master === 0)
    expect(links.byName('one0')).toBeDefined()
    net.a.run('ip', 'link', 'set', 'one0', 'address', '02:00:00:00:00:aa')
    await next('its MAC', linkIs({ name: 'one0', mac: '02:00:00:00:00:aa' }))
    net.a.run('ip', 'link', 'set', 'one0', 'down')
    net.a.run('ip', 'link', 'set', 'one0', 'name', 'two0')
    await next('its new name', linkIs({ name: 'two0', index }))
    expect(links.byName('one0')).toBeUndefined()
    net.a.run('ip', 'link', 'del', 'two0')
    await next('its end', event => event.type === 'link-gone' && event.link.index === index)
    net.a.run('ip', 'link', 'add', 'one0', 'type', 'veth', 'peer', 'name', 'one1')
    await next('it anew', linkIs({ name: 'one0' }))
    expect(links.byName('one0')!.index).not.toBe(index)
    net.a.run('ip', 'link', 'del', 'one0')
    net.a.run('ip', 'link', 'del', 'br0')
  })

  test('are read again when notifications were lost', async () => {
    const links = await watch()
    // More changes than the socket buffer holds while this process does not read.
    const batch = Array.from({ length: 250 }, (_, i) => `address add 10.200.${i}.1/32 dev lo`)
    const script = Array.from({ length: 20 }, () => [
      ...batch,
      ...batch.map(line => line.replace(' add', ' del')),
    ]).flat()
    execFileSync('ip', ['-n', net.a.name, '-force', '-batch', '-'], { input: [...script, ...batch].join('\n') })
    await until(
      'all of them',
      () => links.addresses(1).filter(({ address }) => address.startsWith('10.200.')).length === 250,
      10_000,
    )
    net.a.run('ip', 'address', 'flush', 'dev', 'lo', 'to', '10.200.0.0/16')
    await until('none of them', () => links.addresses(1).every(({ address }) => !address.startsWith('10.200.')))
  })
})

describe('withdrawal by the parent', () => {
  test('removes the VIPs of a dead process at once and does not mind what is gone', async () => {
    const links = await watch()
    const addresses = net.a.enter(() => kernelAddresses(links))
    const vips = [
      { address: '10.9.0.100', prefix: 32, interface: 'eth0' },
      { address: 'fd00:9::100', prefix: 128, interface: 'eth0' },
    ]
    await addresses.claim('web', vips)
    addresses.close()
    const gone = [...vips, { ...vips[0]!, address: '10.9.0.111' }, { ...vips[0]!, interface: 'nothere' }]
    const refused = await net.a.enter(() => withdraw(gone))
    expect(refused).toEqual([])
    expect(net.a.run('ip', '-o', 'addr', 'show', 'dev', 'eth0')).not.toMatch(/10\.9\.0\.100|fd00:9::100/)
  })
})

describe('routes and rules', () => {
  test('move with the router: added with our protocol, again without harm, changed, released', async () => {
    const links = await watch()
    const routes = net.a.enter(() => kernelRoutes(links))
    closing.push(routes)
    const wanted = [
      { destination: '10.50.0.0/16', via: '10.9.0.12', metric: 7 },
      { destination: 'default', via: 'fd00:9::12', interface: 'eth0', table: 1000 },
      { destination: '10.51.0.9', interface: 'eth0', source: '10.9.0.11' },
      { destination: '10.52.0.0/24', via: 'fe80::12', interface: 'eth0' },
    ]
    const rules = [
      { family: 4, from: '10.9.0.100', table: 1000, preference: 500 } as const,
      { family: 6, mark: 7, table: 1000, preference: 501 } as const,
    ]
    for (let round = 0; round < 2; round++) await routes.claim('web', wanted, rules)
    expect(net.a.run('ip', 'route', 'show', 'proto', '112')).toBe(
      '10.50.0.0/16 via 10.9.0.12 dev eth0 metric 7 \n10.51.0.9 dev eth0 scope link src 10.9.0.11 \n10.52.0.0/24 via inet6 fe80::12 dev eth0 \n',
    )
    expect(net.a.run('ip', '-6', 'route', 'show', 'table', '1000')).toMatch(
      /^default via fd00:9::12 dev eth0 proto 112/,
    )
    expect(net.a.run('ip', 'rule')).toMatch(/500:\s+from 10\.9\.0\.100 lookup 1000 proto 112/)
    expect(net.a.run('ip', '-6', 'rule')).toMatch(/501:\s+from all fwmark 0x7 lookup 1000 proto 112/)
    await routes.claim('web', wanted.slice(0, 1), [])
    expect(net.a.run('ip', 'route', 'show', 'proto', '112')).toBe('10.50.0.0/16 via 10.9.0.12 dev eth0 metric 7 \n')
    expect(net.a.run('ip', 'rule')).not.toContain('10.9.0.100')
    await routes.release('web')
    expect(net.a.run('ip', 'route', 'show', 'proto', '112')).toBe('')
  })

  test('left by a crash are swept, those of others and those in use are not', async () => {
    const links = await watch()
    const crashed = net.a.enter(() => kernelRoutes(links))
    const rule = { family: 4, from: '10.9.0.101', table: 1001, preference: 502 } as const
    await crashed.claim('old', [{ destination: '10.60.0.0/16', via: '10.9.0.12' }], [rule])
    crashed.close()
    net.a.run('ip', 'route', 'add', '10.61.0.0/16', 'via', '10.9.0.12')
    const routes = net.a.enter(() => kernelRoutes(links))
    closing.push(routes)
    await routes.claim('web', [{ destination: '10.62.0.0/16', via: '10.9.0.12' }], [])
    expect(await routes.sweep()).toBe(2)
    expect(net.a.run('ip', 'route', 'show', 'via', '10.9.0.12')).toBe(
      '10.61.0.0/16 dev eth0 \n10.62.0.0/16 dev eth0 proto 112 \n',
    )
    expect(net.a.run('ip', 'rule')).not.toContain('10.9.0.101')
    await routes.release('web')
    net.a.run('ip', 'route', 'del', '10.61.0.0/16')
  })

  test('can be claimed while they are swept: the kernel lists one thing at a time per socket', async () => {
    const links = await watch()
    const routes = net.a.enter(() => kernelRoutes(links))
    closing.push(routes)
    const rule = { family: 4, from: '10.9.0.100/32', table: 100, preference: 1000 } as const
    const route = { destination: '10.98.0.0/16', via: '10.9.0.12' }
    await Promise.all([routes.sweep(), routes.claim('web', [route], [rule]), routes.sweep()])
    expect(net.a.run('ip', 'route', 'show', 'proto', '112')).toContain('10.98.0.0/16')
    expect(net.a.run('ip', 'rule')).toContain('from 10.9.0.100 lookup 100')
    await routes.release('web')
  })

  test('never take the place of somebody else', async () => {
    const links = await watch()
    const routes = net.a.enter(() => kernelRoutes(links))
    closing.push(routes)
    net.a.run('ip', 'route', 'add', '10.64.0.0/16', 'via', '10.9.0.77')
    await expect(routes.claim('web', [{ destination: '10.64.0.0/16', via: '10.9.0.12' }], [])).rejects.toMatchObject({
      code: 'EEXIST',
    })
    await routes.release('web')
    expect(net.a.run('ip', 'route', 'show', '10.64.0.0/16')).toBe('10.64.0.0/16 via 10.9.0.77 dev eth0 \n')
    net.a.run('ip', 'route', 'del', '10.64.0.0/16')
  })

  test('come with the VIPs, one of which is their source, and go with them', async () => {
    const links = await watch()
    const routes = net.a.enter(() => kernelRoutes(links))
    const plain = net.a.enter(() => kernelAddresses(links))
    closing.push(routes, plain)
    const wanted = {
      routes: [{ destination: '10.63.0.0/16', via: '10.9.0.12', source: '10.9.0.103' }],
      rules: [{ family: 4, from: '10.9.0.103', table: 1002 } as const],
    }
    const addresses = withRoutes(plain, routes, router => (router === 'web' ? wanted : undefined))
    await addresses.claim('other', [{ address: '10.9.0.104', prefix: 32, interface: 'eth0' }])
    expect(net.a.run('ip', 'route', 'show', 'proto', '112')).toBe('')
    for (let round = 0; round < 2; round++)
      await addresses.claim('web', [{ address: '10.9.0.103', prefix: 32, interface: 'eth0' }])
    expect(net.a.run('ip', 'route', 'show', 'proto', '112')).toBe(
      '10.63.0.0/16 via 10.9.0.12 dev eth0 src 10.9.0.103 \n',
    )
    expect(net.a.run('ip', 'rule').match(/from 10.9.0.103 lookup 1002 proto 112/g)).toHaveLength(1)
    await addresses.release('web')
    expect(net.a.run('ip', 'route', 'show', 'proto', '112')).toBe('')
    expect(net.a.run('ip', 'rule')).not.toContain('10.9.0.103')
    await addresses.release('other')
  })

  test('that the kernel refuses reject with its reason', async () => {
    const links = await watch()
    const routes = net.a.enter(() => kernelRoutes(links))
    closing.push(routes)
    await expect(routes.claim('web', [{ destination: '10.50.0.0/16', via: '192.0.2.1' }], [])).rejects.toMatchObject({
      code: 'ENETUNREACH',
    })
    await expect(
      routes.claim('web', [{ destination: '10.50.0.0/16', interface: 'nothere' }], []),
    ).rejects.toMatchObject({ code: 'ENODEV' })
    await routes.release('web')
  })

  test('the default gateway is the one with the lowest metric, per family', async () => {
    const links = await watch()
    const routes = net.a.enter(() => kernelRoutes(links))
    closing.push(routes)
    expect(await routes.defaultGateway(4)).toBeUndefined()
    net.a.run('ip', 'route', 'add', 'default', 'via', '10.9.0.77', 'metric', '20')
    net.a.run('ip', 'route', 'add', 'default', 'via', '10.9.0.12', 'metric', '10')
    net.a.run('ip', '-6', 'route', 'add', 'default', 'via', 'fe80::12', 'dev', 'eth0')
    expect(await routes.defaultGateway(4)).toEqual({ address: '10.9.0.12', interface: 'eth0' })
    expect(await routes.defaultGateway(6)).toEqual({ address: 'fe80::12', interface: 'eth0' })
    net.a.run('ip', 'route', 'flush', 'exact', '0/0')
    net.a.run('ip', '-6', 'route', 'del', 'default')
  })
})

describe('a macvlan for a virtual MAC', () => {
  test('is made with the MAC of the RFC, again without harm, found after a crash, removed; a foreign one is left alone', async () => {
    const links = await watch()
    const macvlans = net.a.enter(() => kernelMacvlans(links))
    closing.push(macvlans)
    const macvlan = { name: 'vrrp.51', parent: 'eth0', vrid: 51, family: 4 } as const
    await macvlans.ensure(macvlan)
    const made = await until('the macvlan', () => links.byName('vrrp.51')?.up && links.byName('vrrp.51'))
    expect(made).toMatchObject({ mac: '00:00:5e:00:01:33', kind: 'macvlan', alias: 'lvskeeper vrid 51 on eth0' })
    await macvlans.ensure(macvlan)
    expect(links.byName('vrrp.51')!.index).toBe(made.index)
    expect(macvlans.leftovers([]).map(({ name }) => name)).toEqual(['vrrp.51'])
    expect(macvlans.leftovers(['vrrp.51'])).toEqual([])

    net.a.run('ip', 'link', 'add', 'mine', 'link', 'eth0', 'type', 'macvlan')
    await until('the foreign one', () => links.byName('mine'))
    await expect(macvlans.ensure({ ...macvlan, name: 'mine' })).rejects.toMatchObject({ code: 'EEXIST' })
    await macvlans.remove('mine')
    await macvlans.remove('vrrp.51')
    await until('its end', () => !links.byName('vrrp.51'))
    expect(links.byName('mine')).toBeDefined()
    await expect(macvlans.ensure({ ...macvlan, parent: 'nothere' })).rejects.toMatchObject({ code: 'ENODEV' })
    net.a.run('ip', 'link', 'del', 'mine')
  })

  test('for IPv6 listens to the groups of its VIPs whether they are there or not, so that the kernel reports none as left', async () => {
    const links = await watch()
    const macvlans = net.a.enter(() => kernelMacvlans(links))
    closing.push(macvlans)
    const index = await macvlans.ensure({ name: 'vrrp6.56', parent: 'eth0', vrid: 56, family: 6 })
    const groups = () => net.a.run('ip', '-6', 'maddr', 'show', 'dev', 'vrrp6.56')
    await until('the macvlan', () => links.byIndex(index)?.up)
    await macvlans.listen(index, ['ff02::1:ff00:100', 'ff02::1:ff00:101'])
    expect(groups()).toContain('ff02::1:ff00:100')
    for (const change of ['add', 'del'])
      net.a.run('ip', 'addr', change, 'fd00:9::100/128', 'dev', 'vrrp6.56', ...(change === 'add' ? ['nodad'] : []))
    expect(groups()).toContain('ff02::1:ff00:100')
    await until('both groups', () => links.addresses(index).filter(one => one.address.startsWith('ff02')).length === 2)
    await macvlans.listen(index, ['ff02::1:ff00:101'])
    expect(groups()).not.toContain('ff02::1:ff00:100')
    expect(groups()).toContain('ff02::1:ff00:101')
    await macvlans.remove('vrrp6.56')
    await until('its end', () => !links.byName('vrrp6.56'))
  })
})

describe('the neighbour table', () => {
  test('says who has which MAC', async () => {
    const links = await watch()
    net.a.run('ping', '-c1', '-W1', '10.9.0.12')
    const neighbours = await net.a.enter(() => readNeighbours(links))
    const mac = net.b.run('cat', '/sys/class/net/eth0/address').trim()
    expect(neighbours.find(({ address }) => address === '10.9.0.12')).toMatchObject({ interface: 'eth0', mac })
  })
})

describe('a setting of an interface', () => {
  test('is changed in its own namespace, remembered, and put back unless somebody else has changed it since', () => {
    const name = interfaceSysctl('ipv4', 'eth0', 'arp_ignore')
    net.a.enter(() => {
      const changed = writeSysctl(name, '1')
      expect(changed).toEqual({ name, previous: '0', value: '1' })
      expect(writeSysctl(name, '1')).toBeUndefined()
      expect(restoreSysctl(changed!)).toBe(true)
      expect(readSysctl(name)).toBe('0')
      const again = writeSysctl(name, '1')!
      writeSysctl(name, '2')
      expect(restoreSysctl(again)).toBe(false)
      expect(readSysctl(name)).toBe('2')
    })
    expect(net.b.enter(() => readSysctl(name))).toBe('0')
  })

  test('is remembered over a crash with the value it had first, and put back when no longer wanted', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lk-journal-'))
    const file = join(folder, 'run', 'sysctls.json')
    const ignore = interfaceSysctl('ipv4', 'eth0', 'arp_announce')
    const filter = interfaceSysctl('ipv4', 'eth0', 'arp_filter')
    net.a.enter(() => {
      const before = sysctlJournal(file)
      before.set(ignore, '2')
      before.set(filter, '1')
      expect(() => before.set('net.ipv4.conf.nothere.arp_filter', '1')).toThrow('ENOENT')
      // Nothing says goodbye; the next process starts from the file.
      const after = sysctlJournal(file)
      after.set(ignore, '1')
      expect(after.entries()).toEqual([
        { name: ignore, previous: '0', value: '1' },
        { name: filter, previous: '0', value: '1' },
      ])
      expect(after.restore(new Set([ignore])).map(({ name }) => name)).toEqual([filter])
      expect([readSysctl(ignore), readSysctl(filter)]).toEqual(['1', '0'])
      expect(
        sysctlJournal(file)
          .restore()
          .map(({ name }) => name),
      ).toEqual([ignore])
      expect(readSysctl(ignore)).toBe('0')
      writeFileSync(file, '{ half a fi')
      expect(sysctlJournal(file).entries()).toEqual([])
    })
    rmSync(folder, { recursive: true })
  })
})

describe('the virtual MACs of a director', () => {
  test('are made with their settings, kept over a crash, and cleaned up with them when the file no longer names them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lk-journal-'))
    const file = join(folder, 'sysctls.json')
    const one = { name: 'vrrp.53', parent: 'eth0', vrid: 53, family: 4 } as const
    const two = { name: 'vrrp.54', parent: 'eth0', vrid: 54, family: 6 } as const
    const parent = interfaceSysctl('ipv4', 'eth0', 'arp_ignore')
    const before = net.a.enter(() => readSysctl(parent))
    const process = async () => {
      const links = await watch()
      const macvlans = net.a.enter(() => kernelMacvlans(links))
      closing.push(macvlans)
      const journal = sysctlJournal(file)
      return {
        links,
        // The settings are files of the namespace that the thread is in, so it stays there over the awaits.
        converge: (wanted: readonly Macvlan[]) => net.a.stay(() => convergeVirtualMacs(wanted, macvlans, journal)),
      }
    }
    const first = await process()
    const missing = { ...one, name: 'vrrp.55', parent: 'nothere' }
    expect((await first.converge([one, missing, two])).map(({ name, error }) => `${name} ${error.code}`)).toEqual([
      'vrrp.55 ENODEV',
    ])
    expect(net.a.enter(() => readSysctl(interfaceSysctl('ipv4', 'vrrp.53', 'accept_local')))).toBe('1')
    expect(net.a.enter(() => readSysctl(interfaceSysctl('ipv6', 'vrrp.53', 'disable_ipv6')))).toBe('1')
    expect(net.a.enter(() => readSysctl(parent))).toBe('1')
    await until('both', () => first.links.byName('vrrp.54')?.up)
    const { index } = first.links.byName('vrrp.53')!

    const second = await process()
    expect(await second.converge([one])).toEqual([])
    await until('its end', () => !second.links.byName('vrrp.54'))
    expect(second.links.byName('vrrp.53')!.index).toBe(index)
    expect(net.a.enter(() => readSysctl(parent))).toBe('1')
    expect(await second.converge([])).toEqual([])
    await until('its end', () => !second.links.byName('vrrp.53'))
    expect(net.a.enter(() => readSysctl(parent))).toBe(before)
    rmSync(folder, { recursive: true })
  })
})

describe('a virtual MAC', () => {
  test('carries adverts between macvlans with the address below them, and the VIP on it answers ARP with the virtual MAC', async () => {
    const macvlan = { name: 'vrrp.52', parent: 'eth0', vrid: 52, family: 4 } as const
    const heard: string[][] = []
    const sockets: VrrpSocket[] = []
    const sides = await Promise.all(
      [net.a, net.b].map(async (namespace, side) => {
        const links = await namespace.enter(() => watchLinks())
        const macvlans = namespace.enter(() => kernelMacvlans(links))
        const addresses = namespace.enter(() => kernelAddresses(links))
        closing.push(macvlans, addresses, links)
        await macvlans.ensure(macvlan)
        namespace.enter(() => {
          for (const [name, value] of macvlanSysctls(macvlan)) writeSysctl(name, value)
        })
        await until('the macvlan', () => links.byName('vrrp.52')?.running)
        const mine: string[] = []
        heard.push(mine)
        const socket = namespace.enter(() =>
          openLan(
            { interface: 'vrrp.52', family: 4, kind: 'multicast', source: () => links.primary('vrrp.52', 4) },
            ({ source }) => mine.push(source),
          ),
        )
        socket.listen([52])
        sockets[side] = socket
        closing.push(socket)
        return { macvlans, addresses }
      }),
    )
    const [a, b] = sides
    const advert = { version: 3, vrid: 52, priority: 150, interval: 100, addresses: ['10.9.0.102'] } as const
    // Both have the same MAC: the backup must hear the master all the same.
    for (const side of [0, 1] as const) {
      const source = `10.9.0.1${side + 1}`
      const bytes = encodeAdvert(advert, { family: 4, source, destination: '224.0.0.18' }, { pseudoHeader: true })
      expect(sockets[side]!.lan.send(bytes, '224.0.0.18')).toBeUndefined()
      await until('the advert', () => heard[1 - side]!.length > 0)
      expect(heard[1 - side]).toEqual([source])
      expect(heard[side]).toHaveLength(side)
    }
    net.b.run('ip', 'link', 'del', 'vrrp.52')
    await a!.addresses.claim('web', [{ address: '10.9.0.102', prefix: 32, interface: 'vrrp.52' }])
    net.b.run('ping', '-c1', '-W2', '10.9.0.102')
    expect(net.b.run('ip', 'neigh', 'show', '10.9.0.102')).toContain('lladdr 00:00:5e:00:01:34')
    expect(net.b.run('ip', 'neigh', 'show', '10.9.0.11')).not.toContain('00:00:5e')
    await a!.addresses.release('web')
    await a!.macvlans.remove('vrrp.52')
    await b!.macvlans.remove('vrrp.52')
  })
})
