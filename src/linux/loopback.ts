import { isIPv4 } from 'node:net'
import { addressBytes, canonical } from '../../vrrp/address.js'
import { ignoreGone, removal } from './addresses.js'
import { attribute } from './attributes.js'
import { familyNumber } from './ip-address.js'
import { ifaFlag, type LinkAddress, type Links } from './links.js'
import type { Netlink, Request } from './netlink.js'
import { nlm, rtm } from './rtnetlink.js'

export type LoopbackVips = {
  /** Puts these addresses on lo and takes what else it put there away. Rejects with a KernelError. */
  converge(wanted: readonly string[]): Promise<void>
}

const ifa = { address: 1, local: 2, cacheInfo: 6, flags: 8, protocol: 11 } as const
/** Not the number of the VIPs on interfaces: those go when no router holds them (src/linux/addresses.ts). */
const loopbackProtocol = 113
const forever = 0xffffffff

/**
 * The real server's half of a director that is one: VIPs on lo, as `lvskeeper realserver prepare` would put them there. They stay, whoever is
 * master and whatever happens to this program; preferred lifetime 0 keeps them from being chosen as a source.
 */
export function loopbackVips(links: Links, netlink: Pick<Netlink, 'request'>): LoopbackVips {
  return {
    async converge(wanted) {
      const lo = links.byName('lo')
      if (!lo) return
      const there = links.addresses(lo.index)
      const names = new Set(wanted.map(canonical))
      const missing = wanted.filter(address => !there.some(one => one.address === canonical(address)))
      const surplus = there.filter(one => isOurs(one) && !names.has(one.address))
      await Promise.all([
        ...missing.map(address => netlink.request(addition(address, lo.index))),
        ...surplus.map(one => netlink.request(removal(one, lo.index)).catch(ignoreGone)),
      ])
    },
  }
}

/** Kernels before 5.18 keep no IFA_PROTO: there nobody else puts a deprecated address on lo. */
function isOurs({ protocol, deprecated }: LinkAddress): boolean {
  return protocol === loopbackProtocol || (protocol === 0 && deprecated)
}

function addition(address: string, index: number): Request {
  const bytes = addressBytes(address)
  const prefix = isIPv4(address) ? 32 : 128
  const header = Buffer.alloc(8)
  header.writeUInt8(familyNumber(address), 0)
  header.writeUInt8(prefix, 1)
  header.writeUInt32LE(index, 4)
  const cacheInfo = Buffer.alloc(16)
  cacheInfo.writeUInt32LE(0, 0) // preferred
  cacheInfo.writeUInt32LE(forever, 4)
  const data = Buffer.concat([
    header,
    attribute(ifa.local, bytes),
    attribute(ifa.address, bytes),
    attribute(ifa.cacheInfo, cacheInfo),
    attribute(ifa.flags, ifaFlag.noDad),
    attribute(ifa.protocol, Buffer.from([loopbackProtocol])),
  ])
  return { type: rtm.newAddress, flags: nlm.create | nlm.replace, data, what: `add ${address}/${prefix} to lo` }
}
