import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { kernelAddresses } from '../../src/linux/addresses.js'
import { type LinkEvent, type Links, watchLinks } from '../../src/linux/links.js'
import { compiled, type Segment, segment, sleep, until } from './namespaces.js'

let net: Segment
const closing: { close(): void }[] = []
beforeAll(() => {
  net = segment()
})
afterEach(() => {
  for (const one of closing.splice(0)) one.close()
})
afterAll(() => net.remove())

const vip4 = { address: '10.9.0.100', prefix: 32, interface: 'eth0' }
const vip6 = { address: 'fd00:9::100', prefix: 128, interface: 'eth0' }

type Shown = {
  local: string
  prefixlen: number
  valid_life_time: number
  preferred_life_time: number
  protocol?: string
  deprecated?: boolean
  noprefixroute?: boolean
}

/** What ip(8) says the kernel holds. */
function shown(address: string): Shown | undefined {
  const links = JSON.parse(net.a.run('ip', '-j', 'addr', 'show')) as { addr_info: Shown[] }[]
  return links.flatMap(link => link.addr_info).find(({ local }) => local === address)
}

async function open(options = {}): Promise<{ links: Links; addresses: ReturnType<typeof kernelAddresses> }> {
  const links = await net.a.enter(() => watchLinks())
  const addresses = net.a.enter(() => kernelAddresses(links, options))
  closing.push(addresses, links)
  return { links, addresses }
}

describe('a VIP in the kernel', () => {
  test('has a lifetime of three seconds, is never a source address, and says that it is ours', async () => {
    const { addresses } = await open()
    await addresses.claim('web', [vip4, vip6])
    for (const { address, prefix } of [vip4, vip6]) {
      const found = shown(address)!
      expect(found.prefixlen).toBe(prefix)
      expect(found.valid_life_time).toBeGreaterThanOrEqual(2)
      expect(found.valid_life_time).toBeLessThanOrEqual(3)
      expect(found.preferred_life_time).toBe(0)
      expect(found.noprefixroute).toBe(true)
    }
    await addresses.release('web')
    expect(shown(vip4.address)).toBeUndefined()
    expect(shown(vip6.address)).toBeUndefined()
  })

  test('stays while it is renewed and goes by itself two to four seconds after the last renewal', async () => {
    const { addresses } = await open()
    await addresses.claim('web', [vip4, vip6])
    const renewing = setInterval(() => addresses.renew('web'), 100)
    await sleep(5000)
    expect(shown(vip4.address)).toBeDefined()
    expect(shown(vip6.address)).toBeDefined()
    clearInterval(renewing)
    const gone = await disappearance(performance.now())
    for (const time of gone) {
      expect(time).toBeGreaterThan(1500)
      expect(time).toBeLessThan(4000)
    }
  })

  test('stays for as long as the next process may take, when the last renewal says so', async () => {
    const { addresses } = await open()
    await addresses.claim('web', [vip4])
    addresses.renew('web', 15_300)
    await until('the kernel shows it', () => (shown(vip4.address)?.valid_life_time ?? 0) > 3)
    expect(shown(vip4.address)!.valid_life_time).toBeGreaterThan(12)
    expect(shown(vip4.address)!.valid_life_time).toBeLessThanOrEqual(15)
  })

  test('goes by itself within four seconds after kill -9 of the process that renews it', async () => {
    const script = `
      const { watchLinks } = await import('${compiled()}/src/linux/links.js')
      const { kernelAddresses } = await import('${compiled()}/src/linux/addresses.js')
      const addresses = kernelAddresses(await watchLinks())
      await addresses.claim('web', ${JSON.stringify([vip4, vip6])})
      setInterval(() => addresses.renew('web'), 100)
      console.log('claimed')`
    const child = net.a.start(process.execPath, '--input-type=module', '-e', script)
    await new Promise(claimed => child.stdout!.once('data', claimed))
    await sleep(3500)
    expect(shown(vip4.address)).toBeDefined()
    child.kill('SIGKILL')
    const gone = await disappearance(performance.now())
    console.log(`gone after kill -9: IPv4 ${gone[0].toFixed(0)} ms, IPv6 ${gone[1].toFixed(0)} ms`)
    for (const time of gone) {
      expect(time).toBeGreaterThan(1500)
      expect(time).toBeLessThan(4000)
    }
  })

  test('is put back at once when somebody removes it, and not once it has been released', async () => {
    const lost: number[] = []
    const { addresses } = await open({ onLost: (_router: string, _vip: unknown, times: number) => lost.push(times) })
    await addresses.claim('web', [vip4, vip6])
    net.a.run('ip', 'addr', 'del', '10.9.0.100/32', 'dev', 'eth0')
    await until('the IPv4 VIP', () => shown(vip4.address), 300)
    net.a.run('ip', 'addr', 'del', 'fd00:9::100/128', 'dev', 'eth0')
    await until('the IPv6 VIP', () => shown(vip6.address), 300)
    expect(lost).toEqual([1, 1])
    await addresses.release('web')
    await sleep(300)
    expect(shown(vip4.address)).toBeUndefined()
    expect(lost).toEqual([1, 1])
  })

  test('is lost when its interface gets another name, and is not left on it', async () => {
    const lost: string[] = []
    const refused: (string | undefined)[] = []
    const { addresses, links } = await open({
      onLost: (_router: string, vip: { address: string }) => lost.push(vip.address),
      onRefused: (_router: string, error: { code: string }) => refused.push(error.code),
    })
    net.a.run('ip', 'link', 'add', 'inner', 'type', 'bridge')
    net.a.run('ip', 'link', 'set', 'inner', 'up')
    await until('the interface', () => links.byName('inner')?.up)
    await addresses.claim('web', [{ ...vip4, interface: 'inner' }])
    net.a.run('ip', 'link', 'set', 'inner', 'down')
    net.a.run('ip', 'link', 'set', 'inner', 'name', 'other')
    await until('the loss', () => lost.length > 0)
    await until('the refusal', () => refused.length > 0)
    expect(lost).toEqual([vip4.address])
    expect(refused).toEqual(['ENODEV'])
    expect(shown(vip4.address)).toBeUndefined()
    await addresses.release('web')
    net.a.run('ip', 'link', 'del', 'other')
  })

  test('that cannot be added rejects the claim with the reason', async () => {
    const { addresses } = await open()
    const missing = { ...vip4, interface: 'nothere' }
    await expect(addresses.claim('web', [vip4, missing])).rejects.toMatchObject({ code: 'ENODEV' })
    await addresses.release('web')
    expect(shown(vip4.address)).toBeUndefined()
  })

  test('that the file no longer names goes with the next claim, the others are not touched', async () => {
    const { addresses, links } = await open()
    await addresses.claim('web', [vip4, vip6])
    const events: LinkEvent[] = []
    links.watch(event => events.push(event))
    await addresses.claim('web', [vip6])
    await until('the removal', () => events.some(event => event.type === 'address-gone'))
    expect(events.filter(({ type }) => type === 'address-gone')).toMatchObject([{ address: { address: vip4.address } }])
    expect(shown(vip6.address)).toBeDefined()
    await addresses.release('web')
  })

  test('left by a crash is found and removed, a foreign address is not', async () => {
    const crashed = await open()
    await crashed.addresses.claim('web', [vip4, vip6])
    crashed.addresses.close()
    net.a.run('ip', 'addr', 'add', '10.9.0.77/32', 'dev', 'eth0')
    const { addresses } = await open()
    const expected = [vip4, vip6]
    expect(
      addresses
        .leftovers(expected)
        .map(({ address }) => address)
        .sort(),
    ).toEqual(['10.9.0.100', 'fd00:9::100'])
    await addresses.sweep(expected)
    expect(shown(vip4.address)).toBeUndefined()
    expect(shown(vip6.address)).toBeUndefined()
    expect(shown('10.9.0.77')).toBeDefined()
    net.a.run('ip', 'addr', 'del', '10.9.0.77/32', 'dev', 'eth0')
  })

  test('with a subnet of its own brings the route to it, unless the interface has that already', async () => {
    const { addresses } = await open()
    await addresses.claim('web', [
      { address: '10.77.0.1', prefix: 24, interface: 'eth0' },
      { address: '10.9.0.101', prefix: 24, interface: 'eth0' },
    ])
    expect(shown('10.77.0.1')!.noprefixroute).toBeUndefined()
    expect(shown('10.9.0.101')!.noprefixroute).toBe(true)
    expect(net.a.run('ip', 'route', 'show', '10.77.0.0/24')).toContain('dev eth0')
    await addresses.release('web')
    expect(net.a.run('ip', 'route', 'show', '10.9.0.0/24')).toContain('src 10.9.0.11')
  })
})

/** How long after `start` each VIP is no longer there, in ms: [IPv4, IPv6]. */
async function disappearance(start: number): Promise<[number, number]> {
  const gone: Record<string, number> = {}
  await until(
    'the VIPs to go',
    () => {
      for (const { address } of [vip4, vip6])
        if (!(address in gone) && !shown(address)) gone[address] = performance.now() - start
      return Object.keys(gone).length === 2
    },
    6000,
  )
  return [gone[vip4.address]!, gone[vip6.address]!]
}
