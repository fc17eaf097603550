import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kernelAddresses } from '../../src/linux/addresses.js'
import { attribute, parseAttributes, textOf } from '../../src/linux/attributes.js'
import { addressText } from '../../src/linux/ip-address.js'
import { watchLinks } from '../../src/linux/links.js'
import { openNetlink, type Request } from '../../src/linux/netlink.js'
import { netlinkDrops } from '../../src/linux/netlink-drops.js'
import { openNetlinkNow } from '../../src/linux/netlink-now.js'
import { withoutRenewals } from '../../src/linux/renewal-filter.js'
import { rtm } from '../../src/linux/rtnetlink.js'
import { compiled, type Segment, segment, sleep, until } from './namespaces.js'

let net: Segment
beforeAll(() => {
  net = segment()
})
afterAll(() => net.remove())

const getLink = (name: string): Request => ({
  type: 18,
  data: Buffer.concat([Buffer.alloc(16), attribute(3, name)]),
  what: `find ${name}`,
})

describe('a netlink socket', () => {
  test('matches answers to questions, however many are in flight, and says what was refused and why', async () => {
    const netlink = net.a.enter(() => openNetlink())
    const answers = await Promise.allSettled(
      ['eth0', 'nothere', 'lo', 'neither'].map(name => netlink.ask(getLink(name))),
    )
    expect(
      answers.map(answer =>
        answer.status === 'fulfilled' ? textOf(parseAttributes(answer.value!.data, 16), 3) : answer.reason.message,
      ),
    ).toEqual(['eth0', 'find nothere: ENODEV (no such device)', 'lo', 'find neither: ENODEV (no such device)'])
    netlink.close()
  })

  test('for what must not wait has carried it out when it returns, and answers each refusal', () => {
    const netlink = net.a.enter(() => openNetlinkNow())
    const refusedOf = (...names: string[]) => netlink.carryOut(names.map(getLink)).map(({ message }) => message)
    expect(refusedOf('eth0', 'no1', 'no2', 'lo')).toEqual([
      'find no1: ENODEV (no such device)',
      'find no2: ENODEV (no such device)',
    ])
    expect(refusedOf('eth0', 'no1')).toEqual(['find no1: ENODEV (no such device)'])
    expect(refusedOf('eth0', 'lo')).toEqual([])
    expect(refusedOf()).toEqual([])
    // More than fit one message.
    expect(
      refusedOf(...Array.from({ length: 600 }, (_, index) => (index % 100 === 7 ? `no${index}` : 'lo'))),
    ).toHaveLength(6)
    netlink.close()
  })

  test('answers a post with each refusal', async () => {
    const netlink = net.a.enter(() => openNetlink())
    const refused: string[] = []
    netlink.post([getLink('no1'), getLink('eth0'), getLink('no2')], error => refused.push(error.message))
    await until('both', () => refused.length === 2)
    netlink.close()
  })

  test('that is closed rejects what is open and what comes later', async () => {
    const netlink = net.a.enter(() => openNetlink())
    const asked = netlink.ask(getLink('eth0'))
    netlink.close()
    await expect(asked).rejects.toMatchObject({ code: 'ECANCELED' })
    await expect(netlink.request(getLink('eth0'))).rejects.toMatchObject({ code: 'EBADF' })
  })

  test('of a watcher is not woken by the renewals of our VIPs, but by everything else of an address', async () => {
    const heard: string[] = []
    const netlink = net.a.enter(() =>
      openNetlink({
        groups: [5, 9],
        notify: ({ type, data }) => {
          const { 1: bytes } = Object.fromEntries(parseAttributes(data, 8))
          heard.push(`${type === rtm.newAddress ? '+' : '-'}${addressText(bytes!)}`)
        },
        overrun: async () => {},
        drops: port => netlinkDrops(port, withoutRenewals()),
      }),
    )
    const links = await net.a.enter(() => watchLinks())
    const addresses = net.a.enter(() => kernelAddresses(links, { renewEvery: 0 }))
    const take = () => heard.splice(0).sort()
    const ip = (...args: string[]) => net.a.run('ip', 'addr', ...args, 'dev', 'eth0')
    const vips = [
      { address: '10.88.1.1', prefix: 32, interface: 'eth0' },
      { address: 'fd88::1', prefix: 128, interface: 'eth0' },
    ]
    await addresses.claim('web', vips)
    ip('add', '10.88.1.2/32', 'valid_lft', '100', 'preferred_lft', '100')
    await until('all are heard', () => heard.length === 3)
    expect(take()).toEqual(['+10.88.1.1', '+10.88.1.2', '+fd88::1'])
    const lifetime = () =>
      /10\.88\.1\.1\/.*valid_lft (\d+)sec/s.exec(net.a.run('ip', 'addr', 'show', 'dev', 'eth0'))?.[1]
    await sleep(1_200)
    expect(Number(lifetime())).toBeLessThan(3)
    for (let round = 0; round < 3; round++) {
      addresses.renew('web', 9_000)
      await sleep(50)
    }
    expect(Number(lifetime())).toBeGreaterThan(7)
    expect(take()).toEqual([])
    // Somebody else's lifetime is somebody else's.
    ip('change', '10.88.1.2/32', 'valid_lft', '90', 'preferred_lft', '90')
    await until('that is heard', () => heard.length === 1)
    expect(take()).toEqual(['+10.88.1.2'])
    // And ours, once somebody else sets it.
    ip('change', '10.88.1.1/32', 'valid_lft', '90', 'preferred_lft', '90')
    await until('that is heard', () => heard.length === 1)
    expect(take()).toEqual(['+10.88.1.1'])
    // Lists are not notifications.
    const listed = await netlink.dump({ type: rtm.getAddress, data: Buffer.alloc(8), what: 'list addresses' })
    const text = listed.map(({ data }) => addressText(parseAttributes(data, 8).get(1)!))
    expect(text).toEqual(expect.arrayContaining(['10.88.1.1', '10.88.1.2', 'fd88::1']))
    await addresses.release('web')
    ip('del', '10.88.1.2/32')
    await until('they are gone', () => heard.length === 3)
    expect(take()).toEqual(['-10.88.1.1', '-10.88.1.2', '-fd88::1'])
    for (const one of [addresses, links, netlink]) one.close()
  })

  test('survives that thousands of answers overflow it', async () => {
    const links = await net.a.enter(() => watchLinks())
    const addresses = net.a.enter(() => kernelAddresses(links, { renewEvery: 0 }))
    const vips = Array.from({ length: 255 }, (_, index) => ({
      address: `10.88.0.${index}`,
      prefix: 32,
      interface: 'eth0',
    }))
    await addresses.claim('web', vips)
    const end = performance.now() + 500
    for (let round = 0; round < 40 && performance.now() < end; round++) addresses.renew('web')
    await sleep(200)
    await addresses.release('web')
    expect(net.a.run('ip', '-o', 'addr', 'show', 'dev', 'eth0')).not.toContain('10.88.')
    addresses.close()
    links.close()
  })

  test('lets an error in a listener end the process with its own words', async () => {
    const script = `
      const { watchLinks } = await import('${compiled()}/src/linux/links.js')
      const links = await watchLinks()
      links.watch(() => { throw new Error('invariant broken') })
      console.log('watching')`
    const child = net.a.start(process.execPath, '--input-type=module', '-e', script)
    let log = ''
    child.stderr!.on('data', chunk => {
      log += chunk
    })
    await new Promise(ready => child.stdout!.once('data', ready))
    net.a.run('ip', 'addr', 'add', '10.99.0.1/32', 'dev', 'eth0')
    const [code] = await new Promise<[number | null]>(ended => child.once('exit', exit => ended([exit])))
    expect(code).toBe(1)
    expect(log).toContain('Error: invariant broken')
  })
})
