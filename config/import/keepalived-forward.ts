import type { Report } from './finding.js'
import type { Node } from './keepalived-parse.js'
import { type Entries, entries, get, put } from './yaml-writer.js'

export type Forward = { readonly forward: 'nat' | 'dr' | 'tun'; readonly tunnel?: Entries }

const tunnelTypes = new Set(['ipip', 'gue', 'gre'])

/** `NAT`, `DR`, `TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum]`. undefined: not valid, keepalived keeps its default. */
export function readForward(node: Node | undefined, report: Report): Forward | undefined {
  if (!node) return undefined
  const [word, ...rest] = node.args
  const forward = { NAT: 'nat', DR: 'dr', TUN: 'tun' }[word ?? ''] as Forward['forward'] | undefined
  if (forward === undefined) {
    report(node, 'trap', 'bad-value', 'keepalived knows NAT, DR and TUN (in capitals) and ignores this.', 'Left out.')
    return undefined
  }
  const tunnel = entries()
  for (let i = 0; i < rest.length; i++) {
    const option = rest[i] ?? ''
    const next = rest[i + 1] ?? ''
    if (option === 'type' && tunnelTypes.has(next)) put(tunnel, 'type', rest[++i])
    else if (option === 'port' && Number(next) > 0 && Number(next) < 65_536) put(tunnel, 'port', Number(rest[++i]))
    else if (option === 'csum' || option === 'remcsum') put(tunnel, 'checksum', option)
    else if (option !== 'nocsum')
      report(node, 'trap', 'unknown-word', `keepalived does not know "${option}" here.`, 'Left out.')
  }
  const type = get(tunnel, 'type') ?? 'ipip'
  const gue = type === 'gue'
  const checksum = get(tunnel, 'checksum')
  if (
    gue !== (get(tunnel, 'port') !== undefined) ||
    (checksum !== undefined && type === 'ipip') ||
    (type === 'gre' && checksum === 'remcsum')
  ) {
    report(
      node,
      'trap',
      'bad-tunnel',
      'Only gue has (and needs) a port, ipip has no checksum, gre no remcsum.',
      'The YAML has a plain ipip tunnel.',
    )
    return { forward }
  }
  return { forward, ...(forward === 'tun' && tunnel.pairs.length > 0 ? { tunnel } : {}) }
}
