import { serverKey } from '../ipvs/table.js'
import { type Conflict, type Probe, probeConflict } from '../linux/conflict-probe.js'
import type { Links } from '../linux/links.js'
import { type Neighbour, readNeighbours } from '../linux/neighbours.js'
import type { ArpLeak, Event } from '../messages.js'
import { leakText, mending, word } from './leak-text.js'
import type { Pool } from './pool.js'

/** How often the segment is asked, and how long answers are waited for, ms. */
export const leakPause = 15_000
const patience = 600
/** VIPs that are asked for at the same time. */
const together = 16

export type LeakPorts = {
  readonly links: Links
  readonly pool: Pick<Pool, 'services'>
  tell(event: Event): void
  changed(service: string): void
  readonly neighbours?: () => Promise<readonly Neighbour[]>
  /** Default: the segment is asked. */
  readonly probe?: (probe: Probe) => Promise<Conflict>
}

/**
 * Asks the segment who else has a VIP that this director holds. In dr every real server has it on lo and must not
 * answer: one that does takes clients past the director. Only the holder asks, because nobody but itself may answer.
 */
export function createArpLeaks(ports: LeakPorts) {
  const { links, pool } = ports
  const neighbours = ports.neighbours ?? (() => readNeighbours(links))
  const probe = ports.probe ?? (asked => probeConflict(links, asked))
  const leaks = new Map<string, ArpLeak[]>()
  let looking = false

  async function look(): Promise<void> {
    if (looking) return
    looking = true
    try {
      for (const name of [...leaks.keys()]) if (!pool.services().has(name)) leaks.delete(name)
      const held = new Map<string, { readonly link: string; readonly services: string[] }>()
      for (const { config, members } of pool.services().values()) {
        if (!members.some(({ server }) => server.forward === 'dr')) continue
        for (const vip of new Set(config.ids.flatMap(id => ('address' in id ? [id.address] : [])))) {
          const link = holder(vip)
          if (link === undefined) forget(config.name, vip)
          else if (held.has(vip)) held.get(vip)?.services.push(config.name)
          else held.set(vip, { link, services: [config.name] })
        }
      }
      // Silence is waited for: of a thousand VIPs, one after another, the last would be asked ten minutes later.
      const waiting = [...held]
      const askers = Array.from({ length: together }, async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const [vip, { link, services }] = next
          const answer = await ask(vip, link)
          if (answer) for (const service of services) await note(service, vip, answer.mac)
        }
      })
      await Promise.all(askers)
    } finally {
      looking = false
    }
  }

  /** Who holds the VIP now asks, and tells. */
  function forget(service: string, vip: string): void {
    const known = leaks.get(service)
    const others = known?.filter(leak => leak.vip !== vip)
    if (!known || !others || others.length === known.length) return
    leaks.set(service, others)
    ports.changed(service)
  }

  /** The interface on which this director holds the VIP. */
  function holder(vip: string): string | undefined {
    const own = links.addresses().find(({ address }) => address === vip)
    const link = own && links.byIndex(own.index)
    return link && link.name !== 'lo' && link.running ? link.name : undefined
  }

  /** `mac`: who answers, if anybody. undefined: it could not be found out. */
  async function ask(vip: string, link: string): Promise<{ readonly mac: string | undefined } | undefined> {
    const answer = await probe({ interface: link, address: vip, timeout: patience })
    // It may have moved to another director while we waited.
    if ('refused' in answer || holder(vip) !== link) return undefined
    return { mac: 'mac' in answer ? answer.mac : undefined }
  }

  async function note(service: string, vip: string, mac: string | undefined): Promise<void> {
    const known = leaks.get(service) ?? []
    const before = known.find(leak => leak.vip === vip)
    if (before?.mac === mac) return
    const others = known.filter(leak => leak !== before)
    const subject = `service ${service}`
    if (mac === undefined) {
      leaks.set(service, others)
      const text = `nobody else answers ${word(vip)} for ${vip} any more`
      ports.tell({ at: Date.now(), name: 'arp.leak-ended', level: 'notice', subject, text })
    } else {
      const server = await named(service, mac)
      const leak: ArpLeak = { vip, mac, since: Date.now(), ...(server === undefined ? {} : { server }) }
      leaks.set(service, [...others, leak])
      ports.tell({
        at: leak.since,
        name: 'arp.leak',
        level: 'alarm',
        subject: server === undefined ? subject : `server ${service}/${server}`,
        text: leakText(leak),
        data: { service, vip, mac, ...(server === undefined ? {} : { server }), mend: mending(vip) },
      })
    }
    ports.changed(service)
  }

  /** The real server of the service whose entry in the neighbour table has this MAC. */
  async function named(service: string, mac: string): Promise<string | undefined> {
    const list = await neighbours().catch(() => [])
    const owners = new Set(list.filter(entry => entry.mac === mac).map(({ address }) => address))
    const found = pool
      .services()
      .get(service)
      ?.members.find(({ server }) => owners.has(server.address))
    return found && serverKey(found.server)
  }

  return {
    look,
    of: (service: string): readonly ArpLeak[] => leaks.get(service) ?? [],
  }
}
