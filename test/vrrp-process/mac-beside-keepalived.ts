import { expect } from 'vitest'
import { until } from '../lab/harness.js'
import { title, type Way } from '../vrrp/beside-keepalived.js'
import { firewallChanges } from './firewall.js'
import { keepalivedBeside } from './keepalived-beside.js'
import { createPair, type Director, now, sleep } from './pair.js'

/** `group`: two virtual routers in a sync group, of which the second needs eth1 as well. */
export type MacWay = Way & { readonly group?: true }

export const macTitle = (way: MacWay) => `${title(way)}${way.group ? ', in a sync group' : ''}`

/** How the virtual MAC is tried. */
export const macWays: readonly MacWay[] = [
  { version: 3, family: 4, transport: 'multicast', preempt: true },
  { version: 3, family: 4, transport: 'unicast', preempt: true },
  { version: 3, family: 4, transport: 'multicast', preempt: false },
  { version: 3, family: 6, transport: 'multicast', preempt: true },
  { version: 3, family: 6, transport: 'multicast', preempt: false },
  { version: 2, family: 4, transport: 'multicast', preempt: true },
  { version: 3, family: 4, transport: 'unicast', preempt: false },
  { version: 2, family: 4, transport: 'unicast', preempt: true },
  { version: 3, family: 6, transport: 'unicast', preempt: true },
  { version: 3, family: 6, transport: 'unicast', preempt: false },
  { version: 3, family: 4, transport: 'multicast', preempt: true, group: true },
  { version: 3, family: 4, transport: 'multicast', preempt: false, group: true },
  { version: 3, family: 4, transport: 'unicast', preempt: true, group: true },
  { version: 3, family: 4, transport: 'unicast', preempt: false, group: true },
  { version: 3, family: 6, transport: 'multicast', preempt: true, group: true },
  { version: 3, family: 6, transport: 'unicast', preempt: true, group: true },
]

type Instance = { readonly name: string; readonly vrid: number; readonly vip: string; readonly mac: string }

function instances({ family, group }: MacWay): readonly Instance[] {
  const [net, mac] = family === 4 ? ['10.9.0.', '00:00:5e:00:01:'] : ['fd00:9::', '00:00:5e:00:02:']
  const web = { name: 'web', vrid: 51, vip: `${net}100`, mac: `${mac}33` }
  return group ? [web, { name: 'db', vrid: 52, vip: `${net}101`, mac: `${mac}34` }] : [web]
}

/**
 * Both programs with the virtual MAC of virtual router 51, lvskeeper on `ours`: start, stop, return and crash of the better one; without pre-emption the
 * better one, started last, leaves the VIP where it is. The client reaches the VIP wherever it is, and lvskeeper's at the virtual MAC alone. In a sync
 * group the two move as one, also when the better director has lost what only the second needs. `program`: which keepalived.
 */
export async function macBesideKeepalived(ours: 'd1' | 'd2', way: MacWay, program?: string): Promise<void> {
  const { version, family, transport, preempt, group } = way
  const routers = instances(way)
  const length = family === 4 ? 32 : 128
  const [first, second] = routers
  const interval = version === 2 ? '1s' : '100ms'
  const common = [
    ...[`version: ${version}`, `transport: ${transport}`, `preempt: ${preempt}`, 'virtual_mac: true'],
    // keepalived leaves the kernel's hop limit of 64 on IPv6 unicast.
    ...(family === 6 && transport === 'unicast' ? ['min_ttl: 64'] : []),
    ...(group ? ['sync_group: pair'] : []),
  ]
  const pair = await createPair({
    ...{ interval, vips: `'${first?.vip}/${length}'`, router: common.join('\n') },
    ...(family === 6 ? { dual: true } : {}),
    ...(second
      ? {
          inner: true,
          routers: `  ${second.name}: { vrid: ${second.vrid}, interface: eth0, advert_interval: ${interval}, vips: ['${second.vip}/${length}'], ${common.join(', ')}, track: { interfaces: [eth1] } }`,
        }
      : {}),
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
  const has = (where: 'd1' | 'd2', one: Instance) =>
    pair[where].links.addresses().some(({ address }) => address === one.vip)
  const hasAll = (where: 'd1' | 'd2') => routers.every(one => has(where, one))
  const hasNone = (where: 'd1' | 'd2') => !routers.some(one => has(where, one))
  const holder = async (where: 'd1' | 'd2') => {
    const absent = where === 'd1' ? 'd2' : 'd1'
    await until(`the VIP to be on ${where} alone`, () => hasAll(where) && hasNone(absent), 20_000)
    await sleep(500)
    expect([hasAll(where), hasNone(absent)]).toEqual([true, true])
    // The director has to ask for the client's MAC before it can answer.
    await pair.topology.exec(where, ['ip', 'neigh', 'flush', 'all'])
    for (const { vip, mac } of routers) {
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
  }
  const inner = (where: 'd1' | 'd2', state: 'up' | 'down') =>
    pair.topology.exec(where, ['ip', 'link', 'set', 'eth1', state])
  /** What only the second router of the better director needs is gone, and comes back. */
  const fault = async () => {
    if (!group) return
    expect(await inner('d1', 'down')).toMatchObject({ status: 0 })
    await holder('d2')
    expect(await inner('d1', 'up')).toMatchObject({ status: 0 })
    await holder('d1')
  }
  try {
    if (!preempt) {
      const elder = ours === 'd1' ? start() : undefined
      if (!elder) await whole()
      await holder('d2')
      const last = elder ? undefined : start()
      if (elder) await whole()
      await sleep(version === 2 ? 8_000 : 3_000)
      await holder('d2')
      if (elder) await elder.stop()
      else await end(director)
      await holder('d1')
      last?.crash()
    } else if (ours === 'd1') {
      // Ours is the better one.
      start()
      await holder('d2')
      await whole()
      await holder('d1')
      await fault()
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
      await fault()
      await other.stop()
      await holder('d2')
      const again = start()
      await holder('d1')
      const since = now()
      again.crash()
      // Its addresses and its interface outlive keepalived: the machine is gone only when its cable is cut.
      await pair.topology.cut('d1')
      await until('lvskeeper to take over', () => hasAll(ours), 20_000)
      // What is heard of the switch are gratuitous ARPs.
      if (family === 4)
        for (const { mac } of routers)
          expect(pair.wire.announcements().some(one => one.at > since && one.mac === mac)).toBe(true)
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

function config(way: MacWay, name: 'd1' | 'd2'): string {
  const { version, family, transport, preempt, group } = way
  const net = family === 4 ? '10.9.0.' : 'fd00:9::'
  const [own, other] = name === 'd1' ? [`${net}11`, `${net}12`] : [`${net}12`, `${net}11`]
  const routers = instances(way)
  const together = `vrrp_sync_group pair {\n  group {\n${routers.map(one => `    ${one.name}\n`).join('')}  }\n}\n`
  const blocks = routers.map(
    (one, index) => `vrrp_instance ${one.name} {
  interface eth0
  state BACKUP
  virtual_router_id ${one.vrid}
  priority ${name === 'd1' ? 150 : 100}
  version ${version}
  advert_int ${version === 2 ? 1 : 0.1}
  ${preempt ? '' : 'nopreempt'}
  use_vmac vrrp.${one.vrid}
  ${transport === 'unicast' ? `vmac_xmit_base\n  unicast_src_ip ${own}\n  unicast_peer {\n    ${other}\n  }` : ''}
  ${group && index > 0 ? 'track_interface {\n    eth1\n  }' : ''}
  virtual_ipaddress {
    ${one.vip}/${family === 4 ? 32 : 128}
  }
}
`,
  )
  return (group ? together : '') + blocks.join('')
}

async function end(director: Director) {
  const parent = director.parent()
  parent.kill('SIGTERM')
  await until(`${director.name} has ended`, () => parent.exitCode !== null, 10_000)
}
