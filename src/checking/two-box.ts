import type { NeededSysctl } from '../ipvs/sysctls.js'
import type { Links } from '../linux/links.js'
import type { LoopbackVips } from '../linux/loopback.js'
import type { Event } from '../messages.js'

export type TwoBoxPorts = {
  readonly links: Pick<Links, 'addresses' | 'byName'>
  readonly loopback: LoopbackVips
  readonly set: (setting: NeededSysctl) => void
  readonly tell: (event: Event) => void
}

/** How long the end waits for the VIPs to go, ms. */
const patience = 1_000

/** What the kernel needs on a director that is a real server of these VIPs; `holds`: it has one of them where clients find it. */
export function twoBoxSettings(vips: readonly string[], holds: boolean): NeededSysctl[] {
  if (vips.length === 0) return []
  const why = 'the VIP on lo must not be announced'
  return [
    balancing(holds),
    { name: 'net.ipv4.conf.all.arp_ignore', value: '1', why, brief: true },
    { name: 'net.ipv4.conf.all.arp_announce', value: '2', why, brief: true },
  ]
}

function balancing(holds: boolean): NeededSysctl {
  const name = 'net.ipv4.vs.backup_only'
  return holds
    ? { name, value: '0', why: 'a director and real server that has the VIP balances', brief: true }
    : {
        name,
        value: '1',
        why: 'a director and real server without the VIP must not balance again what it is sent',
        brief: true,
      }
}

/**
 * Directors that are real servers of their own services. The one that is not master answers what the master sends it, so it holds the
 * VIPs on lo; and it must not balance that again, so its kernel balances nothing (`backup_only`, which takes effect where the backup's
 * sync daemon runs) until it has a VIP of its own.
 */
export function createTwoBox({ links, loopback, set, tell }: TwoBoxPorts) {
  let vips: readonly string[] = []
  let refused: string | undefined

  /** Whether this director has the VIPs, on an interface where clients find them. */
  function holds(): boolean {
    const lo = links.byName('lo')?.index
    return links.addresses().some(({ address, index }) => index !== lo && vips.includes(address))
  }

  function look(): void {
    if (vips.length > 0) set(balancing(holds()))
  }

  /** Never rejects: a refusal is told, once. */
  async function converge(): Promise<void> {
    try {
      await loopback.converge(vips)
      refused = undefined
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      if (text !== refused) tell({ at: Date.now(), name: 'two-box.refused', level: 'alarm', subject: 'two-box', text })
      refused = text
    }
  }

  return {
    /** What the kernel needs now; before `converge`. `wanted`: the VIPs that this director serves itself. */
    settings(wanted: readonly string[]): NeededSysctl[] {
      vips = wanted
      return twoBoxSettings(vips, holds())
    },
    /** Puts the VIPs on lo; when the ARP settings stand. */
    converge,
    /** Takes them away, for good; before the ARP settings go, with which nobody hears of them. */
    async clear(): Promise<void> {
      vips = []
      await converge()
    },
    /** An address came or went. */
    look,
    /** Before the end of this program, which gives the VIPs away at the same time: who has them then sends this director its share. */
    async leave(): Promise<void> {
      const end = performance.now() + patience
      while (holds() && performance.now() < end) await new Promise(wake => setTimeout(wake, 10))
      look()
    },
  }
}
