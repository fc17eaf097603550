import type { Place, Report } from './finding.js'
import { type Entries, entries, get, items, put, type Value } from './yaml-writer.js'

/** Entries of a virtual server in the order in which the YAML has them. */
export type ServiceDraft = {
  readonly name: string
  /** `10.9.0.100:80` or a firewall mark. */
  readonly address?: string
  readonly mark?: number
  readonly family?: 4 | 6 | undefined
  readonly protocol?: string
  /** Further keys: scheduler, persistence, forward, start, check ... */
  readonly settings: Entries
  readonly realServers: readonly Entries[]
}

/** The mapping that `virtual_servers` holds under the draft's name. */
export function draftEntry({ address, mark, family, protocol, settings, realServers }: ServiceDraft): Entries {
  const entry = entries()
  put(entry, 'address', address)
  put(entry, 'mark', mark)
  if (mark !== undefined && family === 6) put(entry, 'family', family)
  put(entry, 'protocol', address === undefined ? undefined : protocol)
  for (const { key, value, comments } of settings.pairs) put(entry, key, value, comments)
  put(entry, 'real_servers', items(realServers as readonly Value[]))
  return entry
}

/** The forwarding that most real servers have: written once, at the service. */
export function commonForward(forwards: readonly string[]): string {
  const count = (forward: string) => forwards.filter(one => one === forward).length
  return [...new Set(forwards)].sort((a, b) => count(b) - count(a))[0] ?? 'dr'
}

export type DraftServer = { readonly entry: Entries; readonly forward: 'dr' | 'nat' | 'tun'; readonly place: Place }

/** The real servers that the kernel would take, each once; none at all when the service gets no connections anyway. */
export function fittingServers<T extends DraftServer>(
  servers: readonly T[],
  family: 4 | 6 | undefined,
  place: Place,
  report: Report,
): readonly T[] {
  const seen = new Set<string>()
  const kept = servers.filter(({ entry, forward, place: where }) => {
    const address = String(get(entry, 'address') ?? get(entry, 'dns'))
    const key = `${address} ${get(entry, 'port') ?? ''}`
    const other =
      get(entry, 'address') !== undefined && family !== undefined && (address.includes(':') ? 6 : 4) !== family
    if (other && forward !== 'tun')
      report(where, 'trap', 'family-mismatch', 'Only tunnels cross address families.', 'Left out.')
    else if (seen.has(key))
      report(where, 'trap', 'duplicate-real-server', 'This real server stands here twice.', 'Left out.')
    else {
      seen.add(key)
      return true
    }
    return false
  })
  if (kept.length === 0 || kept.some(({ entry }) => get(entry, 'weight') !== 0)) return kept
  report(
    place,
    'lost',
    'weights-zero',
    'All real servers have weight 0: the service takes no new connections.',
    'Left out. Give them a weight, and drain them at run time with `lvskeeper drain`.',
  )
  return []
}

/** A dotted mask or a prefix length, within the family. */
export function prefixOf(text: string | undefined, family: 4 | 6 | undefined): number | undefined {
  if (text === undefined) return undefined
  const most = family === 6 ? 128 : 32
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= most ? Number(text) : undefined
  const bits = text
    .split('.')
    .map(part => Number(part).toString(2).padStart(8, '0'))
    .join('')
  return /^1+0*$/.test(bits) && bits.length === 32 ? bits.replace(/0+$/, '').length : undefined
}
