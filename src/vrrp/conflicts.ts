import type { Vip } from '../../vrrp/ports.js'
import { allVips, type VirtualRouter } from '../../vrrp/virtual-router.js'
import { type Conflict, probeConflict } from '../linux/conflict-probe.js'
import type { Links } from '../linux/links.js'
import { virtualMac } from '../linux/macvlan.js'
import { type Neighbour, readNeighbours } from '../linux/neighbours.js'

/** Another machine has a VIP. */
export type AddressConflict = {
  readonly router: string
  readonly address: string
  readonly interface: string
  readonly mac: string
  /** Who that is: a director of the file, or the address that the neighbour table knows for the MAC. */
  readonly owner?: string
  /** It is a director: it may only be slow to let go. */
  readonly director: boolean
}

export type ConflictsPorts = {
  readonly links: Links
  readonly found: (conflict: AddressConflict) => void
  readonly probe?: (interfaceName: string, address: string) => Promise<Conflict>
  readonly neighbours?: () => Promise<readonly Neighbour[]>
}

/** How long an answer is waited for, ms. */
const timeout = 300
/** Asked at once; and of how many VIPs of one router at most. */
const width = 8
const most = 64

/**
 * Asks the segment who else has a router's VIPs. Beside the election, never before it: the answer is an event and delays nothing.
 * Before this director is master a known director's answer is what is to be expected.
 */
export function createConflicts({ links, found, ...ports }: ConflictsPorts) {
  const probe =
    ports.probe ??
    ((interfaceName, address) => probeConflict(links, { interface: interfaceName, address, timeout, everybody: true }))
  const neighbours = ports.neighbours ?? (() => readNeighbours(links))
  let tail: Promise<void> = Promise.resolve()

  /** `master`: whether this director has the VIPs now, so that no other director may. */
  async function look(router: VirtualRouter, master: () => boolean): Promise<void> {
    const vips = allVips(router).map(onParent(router)).slice(0, most)
    for (let at = 0; at < vips.length; at += width) {
      const some = vips.slice(at, at + width)
      // Who answered while the VIPs were still theirs is no conflict, even where we have them by now.
      const asked = master()
      const answers = await Promise.all(some.map(vip => probe(vip.interface, vip.address)))
      for (const [index, vip] of some.entries()) {
        const answer = answers[index]
        if (!answer || !('mac' in answer)) continue
        for (const mac of [answer.mac, ...(answer.others ?? [])]) await judge(router, asked && master(), vip, mac)
      }
    }
  }

  async function judge(router: VirtualRouter, master: boolean, { address, interface: name }: Vip, mac: string) {
    // The segment's own virtual router, whoever plays it now.
    if (mac === virtualMac(router.vrid, router.family) && !master) return
    const { owner, director } = await ownerOf(router, name, mac)
    if (director && !master) return
    const conflict = { router: router.name, address, interface: name, mac, director }
    found(owner === undefined ? conflict : { ...conflict, owner })
  }

  async function ownerOf(router: VirtualRouter, interfaceName: string, mac: string) {
    const others = router.directors.filter(({ name }) => name !== router.director)
    const known = (await neighbours()).filter(entry => entry.mac === mac && entry.interface === interfaceName)
    for (const { name, addresses } of others)
      if (known.some(({ address }) => addresses.includes(address))) return { owner: name, director: true }
    // Directors that never spoke to each other directly: ask them where they are.
    for (const { name, addresses } of others)
      for (const address of addresses) {
        const answer = await probe(interfaceName, address)
        if ('mac' in answer && [answer.mac, ...(answer.others ?? [])].includes(mac))
          return { owner: name, director: true }
      }
    const address = known.find(entry => !router.vips.some(vip => vip.address === entry.address))?.address
    return { owner: address, director: false }
  }

  return {
    /** One router at a time; what goes wrong with asking is no news. */
    look(router: VirtualRouter, master: () => boolean): Promise<void> {
      tail = tail.then(() => look(router, master)).catch(() => {})
      return tail
    },
  }
}

/**
 * Never from the interface with the virtual MAC: a switch that sees a backup's question come from there sends it what is meant for the master,
 * until the master sends a frame of its own.
 */
function onParent({ interface: parent, virtualMac: macvlan }: VirtualRouter): (vip: Vip) => Vip {
  return vip => (vip.interface === macvlan?.interface ? { ...vip, interface: parent } : vip)
}
