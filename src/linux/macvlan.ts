import type { Family } from '../../vrrp/ports.js'
import { ignoreGone } from './addresses.js'
import { attribute } from './attributes.js'
import { KernelError } from './errno.js'
import { macBytes } from './ip-address.js'
import type { Link, Links } from './links.js'
import { openNetlink } from './netlink.js'
import { nlm, rtm } from './rtnetlink.js'
import { keepGroups } from './solicited-nodes.js'
import { interfaceSysctl } from './sysctl.js'

export type Macvlan = {
  readonly name: string
  readonly parent: string
  readonly vrid: number
  readonly family: Family
  /** The solicited-node groups of its IPv6 VIPs. */
  readonly groups?: readonly string[]
}

export type Macvlans = {
  /** Makes it (and brings it up), or takes an equal one over. Rejects when something else has the name, or the parent is missing. Its index. */
  ensure(macvlan: Macvlan): Promise<number>
  /** Brings what it listens to up to its groups, whether it has the VIPs or not. */
  listen(index: number, groups: readonly string[]): Promise<void>
  /** Only one of ours (by its alias); never rejects for what is gone. */
  remove(name: string): Promise<void>
  /** Those of ours that are not named: what a crash or an older configuration left. */
  leftovers(keep: readonly string[]): readonly Link[]
  close(): void
}

/** 00-00-5E-00-01-vrid for IPv4, 00-00-5E-00-02-vrid for IPv6 (RFC 9568 §7.3). */
export const virtualMac = (vrid: number, family: Family): string =>
  `00:00:5e:00:0${family === 4 ? 1 : 2}:${vrid.toString(16).padStart(2, '0')}`

/**
 * Settings without which a virtual MAC does not work (Linux Documentation/networking/ip-sysctl.rst): the macvlan takes packets of the parent's subnet although
 * the route back leads over the parent, and neither of the two answers ARP for addresses of the other.
 */
export const macvlanSysctls = ({
  name,
  parent,
  family,
}: Pick<Macvlan, 'name' | 'parent' | 'family'>): readonly (readonly [name: string, value: string])[] => [
  // Router solicitations and reports of a backup would show switches the virtual MAC at the wrong port.
  [interfaceSysctl('ipv6', name, family === 4 ? 'disable_ipv6' : 'autoconf'), family === 4 ? '1' : '0'],
  // Its first reports leave at once, not up to two seconds later, when another director may be master (ip-sysctl.rst; ms).
  ...(family === 4 ? [] : [[interfaceSysctl('ipv6', name, 'mldv2_unsolicited_report_interval'), '1'] as const]),
  [interfaceSysctl('ipv4', name, 'rp_filter'), '0'],
  [interfaceSysctl('ipv4', name, 'accept_local'), '1'],
  [interfaceSysctl('ipv4', name, 'arp_ignore'), '1'],
  // A dead director's kernel has the VIP for a while yet: its answers to the next master's gratuitous requests would lead switches back to it.
  [interfaceSysctl('ipv4', name, 'drop_gratuitous_arp'), '1'],
  [interfaceSysctl('ipv4', parent, 'arp_ignore'), '1'],
  [interfaceSysctl('ipv4', parent, 'arp_filter'), '1'],
  // Its own requests, for answers that leave with a VIP as source, would show clients the VIP at the parent's MAC.
  [interfaceSysctl('ipv4', parent, 'arp_announce'), '2'],
]

/** Says in `ip link` whose it is. */
const aliasPrefix = 'lvskeeper '
const ifla = { address: 1, name: 3, link: 5, linkInfo: 18, alias: 20 } as const
const infoKind = 1
const infoData = 2
const macvlanMode = 1
/** MACVLAN_MODE_PRIVATE: the macvlans of one parent need not reach each other. */
const privateMode = 1
const iffUp = 1

/** Interfaces with a virtual router's own MAC, on top of the one that carries its adverts. */
export function kernelMacvlans(links: Links): Macvlans {
  const netlink = openNetlink()
  return {
    async ensure({ name, parent, vrid, family }) {
      const what = `add ${name} to ${parent}`
      const below = links.byName(parent)
      if (!below) throw new KernelError(what, 'ENODEV')
      const mac = virtualMac(vrid, family)
      const alias = `${aliasPrefix}vrid ${vrid} on ${parent}`
      const there = links.byName(name)
      // Without alias, but with our MAC: a crash came between its making and its marking.
      const ours =
        there?.kind === 'macvlan' && (there.alias.startsWith(aliasPrefix) || (!there.alias && there.mac === mac))
      if (there && !ours) throw new KernelError(what, 'EEXIST')
      if (there && there.mac === mac && there.alias === alias && there.parent === below.index) {
        if (!there.up) await netlink.request(change(there.index, iffUp, [], `bring ${name} up`))
        return there.index
      }
      if (there) await remove(there.index)
      await netlink.request({
        type: rtm.newLink,
        flags: nlm.create | nlm.exclusive,
        data: Buffer.concat([
          Buffer.alloc(16),
          attribute(ifla.name, name),
          attribute(ifla.link, below.index),
          attribute(ifla.address, macBytes(mac)),
          attribute(ifla.linkInfo, [
            attribute(infoKind, 'macvlan'),
            attribute(infoData, [attribute(macvlanMode, privateMode)]),
          ]),
        ]),
        what,
      })
      const made = await netlink.ask({
        type: rtm.getLink,
        data: Buffer.concat([Buffer.alloc(16), attribute(ifla.name, name)]),
        what: `find ${name}`,
      })
      if (!made) throw new KernelError(what, 'ENODEV')
      const index = made.data.readInt32LE(4)
      await netlink.request(change(index, iffUp, [attribute(ifla.alias, alias)], `mark ${name} and bring it up`))
      return index
    },
    listen: (index, groups) => keepGroups(links, netlink, index, groups),
    async remove(name) {
      const link = links.byName(name)
      if (link?.alias.startsWith(aliasPrefix)) await remove(link.index)
    },
    leftovers: keep => links.all().filter(({ name, alias }) => alias.startsWith(aliasPrefix) && !keep.includes(name)),
    close: () => netlink.close(),
  }

  async function remove(index: number) {
    // The kernel's own membership would outlive the interface.
    await keepGroups(links, netlink, index, [])
    await netlink.request({ type: rtm.delLink, data: header(index, 0), what: 'remove a macvlan' }).catch(ignoreGone)
  }
}

function change(index: number, flags: number, attributes: readonly Buffer[], what: string) {
  return { type: rtm.newLink, data: Buffer.concat([header(index, flags), ...attributes]), what }
}

/** struct ifinfomsg: family, pad, type, index, flags, and which flags change. */
function header(index: number, flags: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeInt32LE(index, 4)
  bytes.writeUInt32LE(flags, 8)
  bytes.writeUInt32LE(flags, 12)
  return bytes
}
