import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { stop, type Topology } from '../lab/harness.js'

/** What passed over the switch, stamped by its kernel (epoch ms). */
export type Seen =
  | {
      readonly at: number
      readonly what: 'advert'
      readonly from: string
      readonly priority: number
      readonly interval: number
    }
  | { readonly at: number; readonly what: 'announcement'; readonly mac: string; readonly address: string }

export type Wire = {
  readonly seen: readonly Seen[]
  adverts(from?: string): Extract<Seen, { what: 'advert' }>[]
  announcements(): Extract<Seen, { what: 'announcement' }>[]
  /** The times between two adverts that are not farewells, whoever (or `from`) sent them, from `since` on; longest first. */
  gaps(since?: number, from?: string): { readonly ms: number; readonly after: Seen; readonly before: Seen }[]
  end(): Promise<void>
}

/** Listens on a switch of a topology, as nobody's process and with the kernel's own stamps. */
export async function listen(topology: Topology, vrid = 51, bridge: 'br0' | 'br1' = 'br0'): Promise<Wire> {
  // The client's packets are a flood: they are left out in the kernel, lest adverts are lost here.
  const filter = `(ip proto 112 and ip[21] == ${vrid} and not src host 10.9.0.50) or arp`
  const child: ChildProcess = topology.spawnIn('sw', [
    ...['tcpdump', '-i', bridge, '-n', '-e', '-tt', '-v', '-l', '--immediate-mode', filter],
  ])
  const seen: Seen[] = []
  let pending = ''
  const ready = new Promise<void>(resolve => {
    child.stderr?.on('data', text => String(text).includes('listening on') && resolve())
  })
  createInterface({ input: child.stdout! }).on('line', line => {
    // -v breaks a packet into lines; what follows the first is indented.
    if (!/^\s/.test(line)) {
      take(pending)
      pending = line
    } else pending += ` ${line.trim()}`
    // An advert is known by its second line, ARP by its first.
    if (/Announce|Advertisement|ARP/.test(pending)) {
      take(pending)
      pending = ''
    }
  })
  await ready

  function take(text: string) {
    const at = Number(/^(\d+\.\d+)/.exec(text)?.[1]) * 1000
    const advert = /(\d+\.\d+\.\d+\.\d+) > 224\.0\.0\.18.*vrid \d+, prio (\d+),.*intvl (\d+)cs/.exec(text)
    if (advert)
      seen.push({ at, what: 'advert', from: advert[1]!, priority: Number(advert[2]), interval: Number(advert[3]) * 10 })
    const request = /^\S+ (\S+) > .*(?:Request|Announcement).* (\d+\.\d+\.\d+\.\d+).* tell (\d+\.\d+\.\d+\.\d+)/.exec(
      text,
    )
    const announcement = /^\S+ (\S+) > .*Announcement (\d+\.\d+\.\d+\.\d+)/.exec(text)
    const reply = /^\S+ (\S+) > .*Reply (\d+\.\d+\.\d+\.\d+) is-at/.exec(text)
    const [, mac, address] =
      announcement ??
      (request && request[2] === request[3] ? request : undefined) ??
      (/ff:ff:ff:ff:ff:ff/.test(text) ? reply : undefined) ??
      []
    if (mac && address) seen.push({ at, what: 'announcement', mac, address })
  }

  const adverts = (from?: string) =>
    seen.flatMap(one => (one.what === 'advert' && (from === undefined || one.from === from) ? [one] : []))
  return {
    seen,
    adverts,
    announcements: () => seen.flatMap(one => (one.what === 'announcement' ? [one] : [])),
    gaps(since = 0, from) {
      const valid = adverts(from).filter(({ priority, at }) => priority > 0 && at >= since)
      return valid
        .slice(1)
        .map((before, index) => ({ ms: before.at - valid[index]!.at, after: valid[index]!, before }))
        .sort((a, b) => b.ms - a.ms)
    },
    end: () => stop(child),
  }
}

/** The next packets on the switch that `filter` lets through, from their IP header on. */
export async function capture(topology: Topology, filter: string, count = 1): Promise<readonly Buffer[]> {
  const text = await tcpdump(topology, ['-x', '-c', String(count), filter])
  return text.split(/^(?=\S)/m).map(packet => Buffer.from(packet.replace(/^.*\n/, '').replace(/0x\w+:|\s/g, ''), 'hex'))
}

/** The next packets on the switch in the words of tcpdump -v. */
export const describePackets = (topology: Topology, filter: string, count = 1): Promise<string> =>
  tcpdump(topology, ['-v', '-c', String(count), filter])

async function tcpdump(topology: Topology, options: readonly string[]): Promise<string> {
  const child = topology.spawnIn('sw', ['tcpdump', '-i', 'br0', '-n', '-l', '--immediate-mode', ...options])
  let text = ''
  child.stdout?.on('data', piece => {
    text += piece
  })
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()))
  const limit = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await closed
  clearTimeout(limit)
  return text
}
