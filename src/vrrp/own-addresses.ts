import { canonical } from '../../vrrp/address.js'
import type { Addresses, Vip } from '../../vrrp/ports.js'
import { isOwner, movingVips, type VirtualRouter } from '../../vrrp/virtual-router.js'
import type { Links } from '../linux/links.js'

type Known = Pick<Links, 'addresses'>

/** An owner's `excluded_vips` may name addresses that the machine has of its own, as its `vips` do: they are not touched. */
export function sparingOwn(
  addresses: Addresses,
  links: Known,
  find: (router: string) => VirtualRouter | undefined,
): Addresses {
  return {
    ...addresses,
    claim(router, vips) {
      const config = find(router)
      return addresses.claim(router, config && isOwner(config) ? withoutOwn(links, vips) : vips)
    },
  }
}

/** What a router's master has added, so that it may be removed. */
export function addedVips(links: Known, router: VirtualRouter): readonly Vip[] {
  const moving = movingVips(router)
  return isOwner(router) ? withoutOwn(links, moving) : moving
}

/** What lvskeeper adds is never preferred as a source (deprecated); a machine's own address is. */
function withoutOwn(links: Known, vips: readonly Vip[]): readonly Vip[] {
  if (vips.length === 0) return vips
  const own = new Set(links.addresses().flatMap(({ address, deprecated }) => (deprecated ? [] : [address])))
  return vips.filter(({ address }) => !own.has(canonical(address)))
}
