import { expect } from 'vitest'
import { until } from '../lab/harness.js'
import type { Way } from '../vrrp/beside-keepalived.js'
import { firewallChanges } from './firewall.js'
import { keepalivedBeside } from './keepalived-beside.js'
import { createPair, type Director, now, sleep } from './pair.js'

/** How the virtual MAC is tried: in `npm test`, and in the nights besides. */
export const macWays: readonly Way[] = [
  { version: 3, family: 4, transport: 'multicast', preempt: true },
  { version: 3, family: 4, transport: 'unicast', preempt: true },
]
export const moreMacWays: readonly Way[] = [
  { version: 3, family: 4, transport: 'multicast', preempt: false },
  { version: 3, family: 6, transport: 'multicast', preempt: true },
  { version: 3, family: 6, transport: 'multicast', preempt: false },
  { version: 2, family: 4, transport: 'multicast', preempt: true },
  { version: 3, family: 4, transport: 'unicast', preempt: false },
  { version: 2, family: 4, transport: 'unicast', preempt: true },
]

const vips = { 4: '10.9.0.100', 6: 'fd00:9::100' } as const
const macs = { 4: '00:00:5e:00:01:33', 6: '00:00:5e:00:02:33' } as const

/**
 * Both programs with the virtual MAC of virtual router 51, lvskeeper on `ours`: start, stop, return and crash of the better one; without pre-emption the
 * better one, started last, leaves the VIP where it is. The client reaches the VIP wherever it is, and lvskeeper's at the virtual MAC alone.
 * `program`: which keepalived.
 */
export async function macBesideKeepalived(ours: 'd1' | 'd2', way: Way, program?: string): Promise<void> {
  const { version, family, transport, preempt } = way
  const [vip, mac] = [vips[family], macs[family]]
  const pair = await createPair({
    interval: version === 2 ? '1s' : '100ms',
    vips: family === 4 ? `${vip}/32` : `'${vip}/128'`,
    router: [`version: ${version}`, `transport: ${transport}`, `preempt: ${preempt}`, 'virtual_mac: true'].join('\n'),
  })
  const theirs = ours === 'd1' ? 'd2' : 'd1'
  const director = pair[ours]
  const others: ReturnType<typeof keepalivedBeside>[] = []
  const start = () => {
    const other = keepalivedBeside(pair, theirs, config(way, theirs), program)
    others.push(other)
    return other
  }
  const whole = async () => {
    director.start()
    await director.whole()
  }
  const has = (where: 'd1' | 'd2') => pair[where].links.addresses().some(({ address }) => address === vip)
  const holder = async (where: 'd1' | 'd2') => {
    const absent = where === 'd1' ? 'd2' : 'd1'
    await until(`the VIP to be on ${where} alone`, () => has(where) && !has(absent), 20_000)
    await sleep(500)
    expect(has(absent)).toBe(false)
    // The director has to ask for the client's MAC before it can answer.
    await pair.topology.exec(where, ['ip', 'neigh', 'flush', 'all'])
    expect(await pair.topology.exec('cl', ['ping', '-c', '2', '-i', '0.2', '-W', '2', vip])).toMatchObject({
      status: 0,
    })
    // keepalived asks with its real MAC, which stays in the client's table.
    const entry = (await pair.topology.exec('cl', ['ip', 'neigh', 'show', vip])).stdout
    if (where === ours) expect(entry).toContain(mac)
    const { links } = pair[where]
    const named = links.addresses().find(({ address }) => address === vip)
    expect(links.all().find(({ index }) => index === named?.index)?.mac).toBe(mac)
  }
  try {
    if (!preempt) {
      const first = ours === 'd1' ? start() : undefined
      if (!first) await whole()
      await holder('d2')
      const last = first ? undefined : start()
      if (first) await whole()
      await sleep(version === 2 ? 8_000 : 3_000)
      await holder('d2')
      if (first) await first.stop()
      else await end(director)
      await holder('d1')
      last?.crash()
    } else if (ours === 'd1') {
      // Ours is the better one.
      start()
      await holder('d2')
      await whole()
      await holder('d1')
      await end(director)
      await holder('d2')
      await whole()
      await holder('d1')
      director.killAll()
      await holder('d2')
    } else {
      await whole()
      await holder('d2')
      const other = start()
      await holder('d1')
      await other.stop()
      await holder('d2')
      const again = start()
      await holder('d1')
      const since = now()
      again.crash()
      // Its addresses and its interface outlive keepalived: the machine is gone only when its cable is cut.
      await pair.topology.cut('d1')
      await until('lvskeeper to take over', () => has(ours), 20_000)
      // What is heard of the switch are gratuitous ARPs.
      if (family === 4) expect(pair.wire.announcements().some(one => one.at > since && one.mac === mac)).toBe(true)
    }
    // keepalived has its rules for the macvlan; lvskeeper does without.
    const never = await firewallChanges(pair.topology, 'cl')
    expect(await firewallChanges(pair.topology, ours)).toBe(never)
    if (!program) expect(await firewallChanges(pair.topology, theirs)).toBeGreaterThan(never)
  } catch (error) {
    throw new Error(
      `${error}\n${others.map(other => other.log().slice(-4_000)).join('\n')}\n${pair[ours].log().slice(-4_000)}`,
    )
  } finally {
    for (const other of others) other.crash()
    await pair.down()
  }
}

function config({ version, family, transport, preempt }: Way, name: 'd1' | 'd2'): string {
  const [own, other] = name === 'd1' ? ['10.9.0.11', '10.9.0.12'] : ['10.9.0.12', '10.9.0.11']
  return `vrrp_instance web {
  interface eth0
  state BACKUP
  virtual_router_id 51
  priority ${name === 'd1' ? 150 : 100}
  version ${version}
  advert_int ${version === 2 ? 1 : 0.1}
  ${preempt ? '' : 'nopreempt'}
  use_vmac vrrp.51
  ${transport === 'unicast' ? `vmac_xmit_base\n  unicast_src_ip ${own}\n  unicast_peer {\n    ${other}\n  }` : ''}
  virtual_ipaddress {
    ${vips[family]}/${family === 4 ? 32 : 128}
  }
}
`
}

async function end(director: Director) {
  const parent = director.parent()
  parent.kill('SIGTERM')
  await until(`${director.name} has ended`, () => parent.exitCode !== null, 10_000)
}
