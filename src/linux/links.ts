import { isIPv4 } from 'node:net'
import { numberOf, parseAttributes, textOf } from './attributes.js'
import { addressText, macText } from './ip-address.js'
import { openNetlink, type Reply, type Request } from './netlink.js'
import { netlinkDrops } from './netlink-drops.js'
import { withoutRenewals } from './renewal-filter.js'
import { ownProtocol, rtm } from './rtnetlink.js'

/** A network interface as the kernel describes it (rtnetlink(7), RTM_NEWLINK). */
export type Link = {
  readonly index: number
  readonly name: string
  /** Administratively up (IFF_UP). */
  readonly up: boolean
  /** Up with a carrier: IFF_RUNNING and, where the driver says it, an operational state of up. */
  readonly running: boolean
  readonly mac: string
  readonly mtu: number
  /** Index of the bridge or bond it belongs to; 0: none. */
  readonly master: number
  /** Index of the interface that a macvlan or VLAN stands on; 0: none. */
  readonly parent: number
  /** `veth`, `macvlan`, `bridge` ...; empty for plain hardware. */
  readonly kind: string
  readonly alias: string
}

/** One address on an interface (RTM_NEWADDR). */
export type LinkAddress = {
  readonly index: number
  readonly address: string
  readonly prefix: number
  /** IFA_PROTO: who set it; 0 where the kernel (before 5.18) does not say. */
  readonly protocol: number
  /** Address without preferred lifetime, never a source of our own accord. */
  readonly deprecated: boolean
  /** IPv4: a second address of the same subnet. IPv6: temporary. */
  readonly secondary: boolean
  /** IPv6: duplicate address detection has not ended; not usable yet. */
  readonly tentative: boolean
}

export type LinkEvent =
  /** New, changed (up, running, mac, name, master, ...) or the first time seen. `before` is absent for a new one. */
  | { readonly type: 'link'; readonly link: Link; readonly before?: Link }
  | { readonly type: 'link-gone'; readonly link: Link }
  /** Nothing about it has changed, but it is reached another way: its bond sends through another port, its machine runs on another host. */
  | { readonly type: 'link-moved'; readonly link: Link }
  | { readonly type: 'address'; readonly address: LinkAddress; readonly before?: LinkAddress }
  | { readonly type: 'address-gone'; readonly address: LinkAddress }

/** The interfaces and addresses of this network namespace, kept current by notifications. */
export type Links = {
  byName(name: string): Link | undefined
  byIndex(index: number): Link | undefined
  all(): readonly Link[]
  addresses(index?: number): readonly LinkAddress[]
  /**
   * The interface's own address: never one with a protocol of ours, never a deprecated one. IPv6: the link-local address unless `scope` asks for a
   * global one.
   */
  primary(name: string, family: 4 | 6, scope?: 'link' | 'global'): string | undefined
  /** Calls back for every change from now on; a renewed lifetime is none. Returns the end of it. */
  watch(listener: (event: LinkEvent) => void): () => void
  close(): void
}

/** enum rtnetlink_groups. */
const group = { link: 1, ipv4Address: 5, ipv6Address: 9 } as const
/** Reads all interfaces and addresses, then follows the kernel's notifications. Rejects when netlink is refused. */
export async function watchLinks(): Promise<Links> {
  const links = new Map<number, Link>()
  const addresses = new Map<string, LinkAddress>()
  const listeners = new Set<(event: LinkEvent) => void>()
  let notifiedSince: Set<string> | undefined
  let rereading = false
  let again = false
  const netlink = openNetlink({
    groups: [group.link, group.ipv4Address, group.ipv6Address],
    notify: notified,
    overrun: readAll,
    drops: port => netlinkDrops(port, withoutRenewals()),
  })
  try {
    await readAll()
  } catch (error) {
    netlink.close()
    throw error
  }

  /** Asked for every advert. */
  const byName = (name: string) => {
    for (const link of links.values()) if (link.name === name) return link
    return undefined
  }
  return {
    byName,
    byIndex: index => links.get(index),
    all: () => [...links.values()],
    addresses: index => [...addresses.values()].filter(address => index === undefined || address.index === index),
    primary(name, family, scope = 'link') {
      const link = byName(name)
      if (!link) return undefined
      // A macvlan with a virtual MAC has no address of its own: its adverts come from the one of the interface below.
      const below = link.kind === 'macvlan' ? links.get(link.parent) : undefined
      return own(link.index, family, scope) ?? (below && own(below.index, family, scope))
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => netlink.close(),
  }

  function own(index: number, family: 4 | 6, scope: 'link' | 'global'): string | undefined {
    for (const { address, deprecated, tentative, secondary, protocol, index: at } of addresses.values()) {
      if (at !== index || deprecated || tentative || protocol === ownProtocol) continue
      if (isIPv4(address) !== (family === 4)) continue
      if (family === 4 ? !secondary : isLinkLocal(address) === (scope === 'link')) return address
    }
    return undefined
  }

  /** Start-up, and recovery of lost notifications. */
  async function readAll() {
    if (rereading) {
      again = true
      return
    }
    rereading = true
    try {
      const isLink = await list({ type: rtm.getLink, data: Buffer.alloc(16), what: 'list interfaces' })
      for (const link of [...links.values()]) if (!isLink(String(link.index))) dropLink(link)
      const isAddress = await list({ type: rtm.getAddress, data: Buffer.alloc(8), what: 'list addresses' })
      for (const [key, address] of [...addresses]) if (!isAddress(key)) dropAddress(key, address)
    } finally {
      rereading = false
    }
    if (!again) return
    again = false
    await readAll()
  }

  /** Folds in what the kernel lists; answers which keys exist: the listed ones, and those notified since the list began. Notifications before it are older. */
  async function list(request: Request): Promise<(key: string) => boolean> {
    const listed = new Set<string>()
    notifiedSince = undefined
    await netlink.dump(request, reply => {
      notifiedSince ??= new Set()
      const news = read(reply)
      if (!news) return
      listed.add(news.key)
      news.put()
    })
    const newer = notifiedSince ?? new Set<string>()
    notifiedSince = undefined
    return key => listed.has(key) || newer.has(key)
  }

  function notified(reply: Reply) {
    const news = read(reply)
    if (!news) return
    notifiedSince?.add(news.key)
    news.put()
  }

  /** What a message is about, and how to fold it in. */
  function read({ type, data }: Reply): { readonly key: string; put(): void } | undefined {
    switch (type) {
      case rtm.newLink:
      case rtm.delLink: {
        const link = parseLink(data)
        // A bridge reports its ports in AF_BRIDGE messages of the same type, RTM_DELLINK included: not the interface's end.
        if (!link || data[0] !== 0) return undefined
        const moved = type === rtm.newLink && movedBy(data)
        const put = () => {
          if (type === rtm.delLink) return dropLink(link)
          putLink(link)
          if (moved) tell({ type: 'link-moved', link })
        }
        return { key: String(link.index), put }
      }
      case rtm.newAddress:
      case rtm.delAddress: {
        const address = parseAddress(data)
        if (!address) return undefined
        const key = `${address.index} ${address.address}/${address.prefix}`
        return { key, put: () => (type === rtm.delAddress ? dropAddress(key, address) : putAddress(key, address)) }
      }
      default:
        return undefined
    }
  }

  function putLink(link: Link) {
    const before = links.get(link.index)
    links.set(link.index, link)
    if (!before || changed(before, link)) tell({ type: 'link', link, ...(before && { before }) })
  }

  function dropLink(link: Link) {
    for (const [key, address] of [...addresses]) if (address.index === link.index) dropAddress(key, address)
    if (links.delete(link.index)) tell({ type: 'link-gone', link })
  }

  function putAddress(key: string, address: LinkAddress) {
    const before = addresses.get(key)
    addresses.set(key, address)
    if (!before || changed(before, address)) tell({ type: 'address', address, ...(before && { before }) })
  }

  function dropAddress(key: string, address: LinkAddress) {
    if (addresses.delete(key)) tell({ type: 'address-gone', address })
  }

  function tell(event: LinkEvent) {
    for (const listener of [...listeners]) listener(event)
  }
}

function changed<T extends object>(a: T, b: T): boolean {
  return (Object.keys(a) as (keyof T)[]).some(key => a[key] !== b[key])
}

const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address)

const iff = { up: 0x1, running: 0x40 } as const
const ifla = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  master: 10,
  operState: 16,
  linkInfo: 18,
  alias: 20,
  event: 44,
} as const
const iflaInfoKind = 1
/** IFLA_EVENT_BONDING_FAILOVER, IFLA_EVENT_NOTIFY_PEERS: why the kernel tells of an interface although no attribute of it has changed. */
const movingEvents: readonly number[] = [3, 4]

function movedBy(data: Buffer): boolean {
  return movingEvents.includes(numberOf(parseAttributes(data, 16), ifla.event))
}

/** struct ifinfomsg: family, pad, type, index, flags, change. */
function parseLink(data: Buffer): Link | undefined {
  if (data.length < 16) return undefined
  const flags = data.readUInt32LE(8)
  const attributes = parseAttributes(data, 16)
  const info = attributes.get(ifla.linkInfo)
  return {
    index: data.readInt32LE(4),
    name: textOf(attributes, ifla.name),
    up: (flags & iff.up) !== 0,
    running: (flags & iff.up) !== 0 && (flags & iff.running) !== 0,
    mac: macText(attributes.get(ifla.address) ?? Buffer.alloc(0)),
    mtu: numberOf(attributes, ifla.mtu),
    master: numberOf(attributes, ifla.master),
    parent: numberOf(attributes, ifla.link),
    kind: info ? textOf(parseAttributes(info), iflaInfoKind) : '',
    alias: textOf(attributes, ifla.alias),
  }
}

const ifa = { address: 1, local: 2, flags: 8, protocol: 11 } as const
export const ifaFlag = {
  secondary: 0x01,
  noDad: 0x02,
  deprecated: 0x20,
  tentative: 0x40,
  noPrefixRoute: 0x200,
} as const

/** struct ifaddrmsg: family, prefix length, flags, scope, index. */
function parseAddress(data: Buffer): LinkAddress | undefined {
  if (data.length < 8) return undefined
  const attributes = parseAttributes(data, 8)
  const bytes = attributes.get(ifa.local) ?? attributes.get(ifa.address)
  if (!bytes) return undefined
  const flags = attributes.get(ifa.flags)?.readUInt32LE(0) ?? data.readUInt8(2)
  return {
    index: data.readUInt32LE(4),
    address: addressText(bytes),
    prefix: data.readUInt8(1),
    protocol: attributes.get(ifa.protocol)?.readUInt8(0) ?? 0,
    deprecated: (flags & ifaFlag.deprecated) !== 0,
    secondary: (flags & ifaFlag.secondary) !== 0,
    tentative: (flags & ifaFlag.tentative) !== 0,
  }
}
