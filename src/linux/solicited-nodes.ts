import { addressBytes } from '../../vrrp/address.js'
import { ignoreGone } from './addresses.js'
import { attribute } from './attributes.js'
import type { LinkAddress, Links } from './links.js'
import type { Netlink, Request } from './netlink.js'
import { nlm, rtm } from './rtnetlink.js'

const ifa = { address: 1, flags: 8 } as const
/** IFA_F_MCAUTOJOIN: the kernel joins the group for as long as the address is there; IFA_F_NOPREFIXROUTE, IFA_F_NODAD. */
const joined = 0x400 | 0x200 | 0x02
const prefix = 128

/**
 * Keeps the interface of this index in these solicited-node groups, and in no other that was joined here. A VIP that comes or goes then changes no membership:
 * the kernel's report of one that ended (RFC 3810 §6.1) leaves with the virtual MAC, up to three seconds after the death of a director, and leads switches back
 * to it from the next master.
 */
export async function keepGroups(
  links: Links,
  netlink: Netlink,
  index: number,
  groups: readonly string[],
): Promise<void> {
  const there = joinedGroups(links, index)
  for (const group of groups) {
    if (there.some(({ address }) => address === group)) continue
    const what = `join ${group}`
    const data = Buffer.concat([
      header(index),
      attribute(ifa.address, addressBytes(group)),
      attribute(ifa.flags, joined),
    ])
    await netlink.request({ type: rtm.newAddress, flags: nlm.create | nlm.replace, data, what })
  }
  for (const { address } of there)
    if (!groups.includes(address)) await netlink.request(leaving(index, address)).catch(ignoreGone)
}

function leaving(index: number, group: string): Request {
  const data = Buffer.concat([header(index), attribute(ifa.address, addressBytes(group))])
  return { type: rtm.delAddress, data, what: `leave ${group}` }
}

function joinedGroups(links: Links, index: number): readonly LinkAddress[] {
  return links.addresses(index).filter(({ address }) => address.startsWith('ff02::1:ff'))
}

/** struct ifaddrmsg (if_addr.h). */
function header(index: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt8(10, 0)
  bytes.writeUInt8(prefix, 1)
  bytes.writeUInt32LE(index, 4)
  return bytes
}
