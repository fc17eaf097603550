import { addressBytes, canonical } from '../../vrrp/address.js'
import type { Addresses, Vip } from '../../vrrp/ports.js'
import { attribute } from './attributes.js'
import { codeOf, KernelError } from './errno.js'
import { familyNumber, sameSubnet } from './ip-address.js'
import { ifaFlag, type LinkAddress, type Links } from './links.js'
import { openNetlink, type Request } from './netlink.js'
import { openNetlinkNow } from './netlink-now.js'
import { nlm, ownProtocol, rtm } from './rtnetlink.js'

export type AddressOptions = {
  /** How long the kernel keeps a VIP that nobody renews, in whole seconds. */
  readonly lifetime?: number
  /** Renewals closer together than this are left out, in ms. */
  readonly renewEvery?: number
  /** A VIP vanished behind our back and is being put back. `times`: how often so far. */
  readonly onLost?: (router: string, vip: Vip, times: number) => void
  /** The kernel refused to renew a VIP (it is not safe), or to remove one (its lifetime will). */
  readonly onRefused?: (router: string, error: KernelError) => void
  readonly now?: () => number
}

export type KernelAddresses = Addresses & {
  /** Our addresses that no router holds: what a crash left. `expected` stands in where the kernel keeps no IFA_PROTO (before 5.18). */
  leftovers(expected?: readonly Vip[]): readonly LinkAddress[]
  /** Removes them. */
  sweep(expected?: readonly Vip[]): Promise<readonly LinkAddress[]>
  close(): void
}

const ifa = { address: 1, local: 2, cacheInfo: 6, flags: 8, protocol: 11 } as const
const shortestReturn = 100
/**
 * Renewals of many routers within this time are one message to the kernel, and one wake-up of all who watch addresses (ms). Where it has become
 * longer than the other, this process was frozen: another director may have the VIPs, and only the next advert renews.
 */
const gathered = { for: 50, atMost: 500 }

type Held = { readonly vip: Vip; lost: number; putBackAt: number }
type Holding = { vips: Map<string, Held>; renewedAt: number }

/**
 * The VIPs in the kernel, through rtnetlink. Each has a lifetime that only `renew` prolongs, so that the kernel withdraws it by itself when this process is
 * dead or frozen; preferred lifetime 0 keeps it from being chosen as a source address; IFA_PROTO says whose it is.
 */
export function kernelAddresses(links: Links, options: AddressOptions = {}): KernelAddresses {
  const { lifetime = 3, renewEvery = 500, now = () => performance.now() } = options
  const netlink = openNetlink()
  const direct = openNetlinkNow()
  const holdings = new Map<string, Holding>()
  const timers = new Set<NodeJS.Timeout>()
  let renewing: Set<string> | undefined

  const unwatch = links.watch(event => {
    if (event.type === 'link' && event.before && event.before.name !== event.link.name)
      return renamed(event.before.name, event.link.index)
    if (event.type !== 'address-gone') return
    const name = links.byIndex(event.address.index)?.name
    for (const [router, holding] of holdings)
      for (const held of holding.vips.values())
        if (held.vip.interface === name && held.vip.prefix === event.address.prefix)
          if (canonical(held.vip.address) === event.address.address) putBack(router, holding, held)
  })

  return {
    async claim(router, vips) {
      const before = holdings.get(router)?.vips ?? new Map<string, Held>()
      const wanted = new Map(vips.map(vip => [key(vip), before.get(key(vip)) ?? { vip, lost: 0, putBackAt: 0 }]))
      holdings.set(router, { vips: wanted, renewedAt: now() })
      const dropped = [...before].filter(([name]) => !wanted.has(name)).map(([, { vip }]) => remove(vip))
      // Those whose interface is there are added even when another's is not; the router decides what that means.
      const refused: KernelError[] = []
      const requests = vips.flatMap(vip =>
        attempt(
          () => add(vip),
          error => refused.push(error),
        ),
      )
      // The announcement waits for this: not for another turn of the loop.
      refused.push(...direct.carryOut(requests))
      await Promise.all(dropped)
      if (refused[0]) throw refused[0]
    },

    renew(router, lasts) {
      const holding = holdings.get(router)
      if (!holding || (lasts === undefined && now() - holding.renewedAt < renewEvery)) return
      holding.renewedAt = now()
      // Whole seconds, and rather too few: nobody may hold a VIP for longer than the others wait.
      if (lasts !== undefined) renewNow([router], Math.max(lifetime, Math.floor(lasts / 1000)))
      else if (renewing) renewing.add(router)
      else {
        const routers = new Set([router])
        renewing = routers
        const asked = now()
        later(gathered.for, () => {
          renewing = undefined
          if (now() - asked <= gathered.atMost) renewNow([...routers], lifetime)
        })
      }
    },

    async release(router) {
      const holding = holdings.get(router)
      holdings.delete(router)
      const removals = [...(holding?.vips.values() ?? [])].map(({ vip }) => remove(vip))
      // Its lifetime ends it, then.
      for (const result of await Promise.allSettled(removals))
        if (result.status === 'rejected' && result.reason instanceof KernelError)
          options.onRefused?.(router, result.reason)
    },

    leftovers,
    async sweep(expected) {
      const found = leftovers(expected)
      await Promise.all(found.map(address => netlink.request(removal(address, address.index)).catch(ignoreGone)))
      return found
    },

    close() {
      unwatch()
      for (const timer of timers) clearTimeout(timer)
      netlink.close()
      direct.close()
    },
  }

  function leftovers(expected: readonly Vip[] = []): readonly LinkAddress[] {
    const held = new Set([...holdings.values()].flatMap(({ vips }) => [...vips.values()].map(({ vip }) => key(vip))))
    const ours = new Set(expected.map(key))
    return links.addresses().filter(address => {
      const name = key({ ...address, interface: links.byIndex(address.index)?.name ?? '' })
      if (held.has(name)) return false
      return address.protocol === ownProtocol || (address.protocol === 0 && address.deprecated && ours.has(name))
    })
  }

  /**
   * Level, not edge: whoever removed it, it is ours while we are master. Not faster than every 100 ms each, lest two programs fight at full speed. A VIP that
   * the kernel withdrew because we did not renew it stays away: we were not there, and only the next renewal knows whether we are still master.
   */
  function putBack(router: string, holding: Holding, held: Held) {
    if (now() - holding.renewedAt > lifetime * 1000 - 1000) return
    held.lost++
    options.onLost?.(router, held.vip, held.lost)
    const wait = Math.max(0, held.putBackAt + shortestReturn - now())
    held.putBackAt = now() + wait
    later(wait, () => {
      if (holdings.get(router)?.vips.get(key(held.vip)) !== held) return
      const refused = (error: KernelError) => options.onRefused?.(router, error)
      netlink.post(
        attempt(() => add(held.vip), refused),
        refused,
      )
    })
  }

  /** What bears that name now is another interface, or there is none: our VIPs on this one are lost, and must not be answered for. */
  function renamed(from: string, index: number) {
    for (const [router, holding] of holdings)
      for (const held of holding.vips.values())
        if (held.vip.interface === from) {
          netlink.request(removal(held.vip, index)).catch(ignoreGone)
          putBack(router, holding, held)
        }
  }

  /** Those that are still held. */
  function renewNow(routers: readonly string[], seconds: number) {
    const owners = new Map<string, string>()
    const requests = routers.flatMap(router => {
      const refused = (error: KernelError) => options.onRefused?.(router, error)
      return [...(holdings.get(router)?.vips.values() ?? [])].flatMap(({ vip }) => {
        const built = attempt(() => add(vip, seconds), refused)
        for (const { what } of built) owners.set(what, router)
        return built
      })
    })
    netlink.post(requests, error => options.onRefused?.(owners.get(error.call) ?? routers[0] ?? '', error))
  }

  function later(wait: number, act: () => void) {
    const timer = setTimeout(() => {
      timers.delete(timer)
      act()
    }, wait)
    timers.add(timer)
  }

  function add(vip: Vip, seconds = lifetime): Request {
    const index = links.byName(vip.interface)?.index
    const what = `add ${vip.address}/${vip.prefix} to ${vip.interface}`
    if (index === undefined) throw new KernelError(what, 'ENODEV')
    const bytes = addressBytes(vip.address)
    const covered = vip.prefix === bytes.length * 8 || hasSubnet(index, bytes, vip.prefix)
    const cacheInfo = Buffer.alloc(16)
    cacheInfo.writeUInt32LE(0, 0) // preferred
    cacheInfo.writeUInt32LE(seconds, 4)
    const data = Buffer.concat([
      addressHeader(vip, index),
      attribute(ifa.local, bytes),
      attribute(ifa.address, bytes),
      attribute(ifa.cacheInfo, cacheInfo),
      // No detection of duplicates: it would keep the VIP unusable for a second, and the election has decided already.
      attribute(ifa.flags, ifaFlag.noDad | (covered ? ifaFlag.noPrefixRoute : 0)),
      attribute(ifa.protocol, Buffer.from([ownProtocol])),
    ])
    return { type: rtm.newAddress, flags: nlm.create | nlm.replace, data, what }
  }

  /** Whether another address, not ours, already brings the route to this subnet. */
  function hasSubnet(index: number, bytes: Uint8Array, prefix: number): boolean {
    return links
      .addresses(index)
      .some(
        ({ address, prefix: other, protocol }) =>
          other === prefix && protocol !== ownProtocol && sameSubnet(addressBytes(address), bytes, prefix),
      )
  }

  async function remove(vip: Vip): Promise<void> {
    const index = links.byName(vip.interface)?.index
    if (index !== undefined) await netlink.request(removal(vip, index)).catch(ignoreGone)
  }
}

/** The request that takes an address off an interface. */
export function removal({ address, prefix }: { address: string; prefix: number }, index: number): Request {
  const bytes = addressBytes(address)
  const data = Buffer.concat([
    addressHeader({ address, prefix }, index),
    attribute(ifa.local, bytes),
    attribute(ifa.address, bytes),
  ])
  return { type: rtm.delAddress, data, what: `remove ${address}/${prefix}` }
}

function addressHeader({ address, prefix }: { address: string; prefix: number }, index: number): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt8(familyNumber(address), 0)
  header.writeUInt8(prefix, 1)
  header.writeUInt32LE(index, 4)
  return header
}

const key = (vip: { address: string; prefix: number; interface: string }) =>
  `${canonical(vip.address)}/${vip.prefix} ${vip.interface}`

/** What is already gone is fine: the address, or the whole interface. */
export function ignoreGone(error: unknown): void {
  if (!['EADDRNOTAVAIL', 'ENODEV', 'ENXIO', 'ESRCH', 'ENOENT'].includes(codeOf(error) ?? '')) throw error
}

/** One that cannot even be built (its interface is missing) must not keep the others from being renewed. */
function attempt(build: () => Request, refused: (error: KernelError) => void): Request[] {
  try {
    return [build()]
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    refused(error)
    return []
  }
}
