import { expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { keepalivedBeside } from './keepalived-beside.js'
import { createPair, now, type Pair, sleep, vip } from './pair.js'

const second = '10.9.0.101'
const both = `${vip}/32, ${second}/32`
const config = (...vips: string[]) => `vrrp_instance web {
  interface eth0
  state BACKUP
  virtual_router_id 51
  priority 100
  version 3
  advert_int 0.1
  virtual_ipaddress {
${vips.map(one => `    ${one}/32`).join('\n')}
  }
}
`

/** lvskeeper as the better director, this machine's keepalived (2.2.7 of Debian 12, which compares the addresses of adverts) as the other. */
async function beside(story: (pair: Pair, other: ReturnType<typeof keepalivedBeside>) => Promise<void>) {
  const pair = await createPair()
  let other: ReturnType<typeof keepalivedBeside> | undefined
  onTestFailed(() => console.log(`${pair.d1.log().slice(-6_000)}\n${other?.log().slice(-6_000)}`))
  try {
    pair.d1.start()
    await until('d1 is master', async () => (await pair.d1.state()) === 'master', 20_000)
    other = keepalivedBeside(pair, 'd2', config(vip))
    await pair.d1.whole()
    await until('keepalived is backup', () => other?.log().includes('Entering BACKUP STATE'))
    await sleep(500)
    await story(pair, other)
  } finally {
    other?.crash()
    await pair.down()
  }
}

const on = ({ links }: Pair['d1']) => {
  const there = links.addresses().map(({ address }) => address)
  return [vip, second].filter(address => there.includes(address))
}

test(
  'VIPs change beside keepalived 2.2.7 in the order that plan names: one master all the time, no advert refused',
  () =>
    beside(async (pair, other) => {
      const { d1, d2, wire } = pair
      pair.reconfigure({ vips: both })
      const plan = await d1.cli('plan')
      expect(plan.stdout).toContain('lvskeeper failover web --force')
      const since = now()

      expect(await d1.cli('failover', 'web', '--force')).toMatchObject({ status: 0 })
      await until('keepalived has the VIP alone', () => d2.has() && !d1.has())
      expect(await d1.cli('reload')).toMatchObject({ status: 0 })
      await sleep(1_000)
      expect([on(d1), on(d2)]).toEqual([[], [vip]])
      other.reload(config(vip, second))
      await until('keepalived has both', () => on(d2).length === 2)
      await sleep(1_000)
      expect(on(d1)).toEqual([])
      expect(await d1.cli('failover', 'web', '--back')).toMatchObject({ status: 0 })
      await until('d1 has both alone', () => on(d1).length === 2 && on(d2).length === 0)
      await sleep(1_000)
      expect([on(d1), on(d2)]).toEqual([[vip, second], []])

      expect((await d1.events('vrrp.two-masters')).length).toBe(0)
      expect(masterships(wire.adverts(), since)).toEqual([d1.address, d2.address, d1.address])
      expect(pair.both(since)).toBeLessThan(200)
      expect(other.log()).not.toMatch(/expected|invalid|mismatch|discard/i)
    }),
  60_000,
)

test(
  'VIPs change beside keepalived 2.2.7 where the better director is reloaded first: two masters until keepalived is reloaded',
  () =>
    beside(async (pair, other) => {
      const { d1, d2 } = pair
      pair.reconfigure({ vips: both })
      expect(await d1.cli('reload')).toMatchObject({ status: 0 })
      await until('both are master', () => d1.has() && d2.has())
      await sleep(2_000)
      expect([on(d1), on(d2)]).toEqual([[vip, second], [vip]])
      expect(other.log()).toContain('received an unexpected ip number count 2, expected 1!')
      expect((await d1.events('vrrp.two-masters')).length).toBeGreaterThan(0)
      other.reload(config(vip, second))
      await until('d1 has both alone', () => on(d1).length === 2 && on(d2).length === 0)
    }),
  60_000,
)

/** Who advertised, in turn, without farewells. */
function masterships(adverts: readonly { at: number; from: string; priority: number }[], since: number): string[] {
  const names = adverts.filter(({ at, priority }) => at > since && priority > 0).map(({ from }) => from)
  return names.filter((name, index) => name !== names[index - 1])
}
