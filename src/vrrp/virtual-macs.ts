import { solicitedNode } from '../../vrrp/neighbour.js'
import { allVips, type VirtualRouter } from '../../vrrp/virtual-router.js'
import type { Links } from '../linux/links.js'
import type { Macvlan, Macvlans } from '../linux/macvlan.js'
import type { SysctlJournal } from '../linux/sysctl-journal.js'
import { convergeVirtualMacs } from '../linux/virtual-macs.js'

export type VirtualMacsPorts = {
  readonly links: Links
  readonly macvlans: Macvlans
  readonly journal: SysctlJournal
  /** The kernel refused one: its router finds it missing. */
  readonly refused: (name: string, why: string) => void
}

/** How long the notification of a new interface may take to arrive, ms. */
const seenWithin = 500

/** Keeps the macvlans of the routers with a virtual MAC as the configuration says. One pass at a time. */
export function createVirtualMacs({ links, macvlans, journal, refused }: VirtualMacsPorts) {
  let wanted: readonly Macvlan[] = []
  let tail: Promise<void> = Promise.resolve()

  async function pass(): Promise<void> {
    try {
      const failed = await convergeVirtualMacs(wanted, macvlans, journal)
      for (const { name, error } of failed) refused(name, error.message)
      await seen(wanted.filter(({ name }) => failed.every(one => one.name !== name)))
    } catch (error) {
      // The journal's disk is full, netlink is closed: the routers concerned find their interface missing.
      refused('virtual MACs', error instanceof Error ? error.message : String(error))
    }
  }

  /** Whoever goes on needs the new interfaces in `links`, which hears of them by itself. */
  async function seen(made: readonly Macvlan[]): Promise<void> {
    const end = performance.now() + seenWithin
    while (made.some(({ name }) => !links.byName(name)?.up) && performance.now() < end)
      await new Promise(wake => setTimeout(wake, 2))
  }

  function converge(): Promise<void> {
    tail = tail.then(pass)
    return tail
  }

  return {
    /** Resolves when the kernel has them and `links` knows them; undefined: there is nothing to do. */
    set(routers: readonly VirtualRouter[]): Promise<void> | undefined {
      const next = routers.flatMap(macvlanOf)
      // Nothing wanted, nothing of ours there: no settings either, or the journal would name them.
      if (next.length === 0 && wanted.length === 0 && !leftovers()) return undefined
      wanted = next
      return converge()
    },
    /** An interface came or went. Resolves to true when that had made a difference. */
    async look(): Promise<boolean> {
      const lacking = wanted.some(({ name, parent }) => links.byName(parent) && !links.byName(name))
      if (lacking) await converge()
      return lacking
    },
    /** At the end: nothing of ours stays. */
    clear(): Promise<void> {
      wanted = []
      return converge()
    },
  }

  function leftovers(): boolean {
    return macvlans.leftovers([]).length > 0 || journal.entries().length > 0
  }
}

function macvlanOf(router: VirtualRouter): Macvlan[] {
  const { virtualMac, interface: parent, vrid, family } = router
  if (!virtualMac) return []
  const name = virtualMac.interface
  const own = family === 6 ? allVips(router).filter(vip => vip.interface === name) : []
  return [{ name, parent, vrid, family, groups: [...new Set(own.map(vip => solicitedNode(vip.address)))] }]
}
