import type { Report } from './finding.js'
import type { Node } from './keepalived-parse.js'
import { type Entries, entries, put } from './yaml-writer.js'

export type Forward = { readonly forward: 'nat' | 'dr' | 'tun'; readonly tunnel?: Entries }

/** `NAT`, `DR`, `TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum]`. undefined: not valid, keepalived keeps its default. */
export function readForward(node: Node | undefined, report: Report): Forward | undefined {
  if (!node) return undefined
  const [word, ...rest] = node.args
  const forward = { NAT: 'nat', DR: 'dr', TUN: 'tun' }[word ?? ''] as Forward['forward'] | undefined
  if (forward === undefined) {
    report(
      node,
      'trap',
      'bad-value',
      'keepalived knows NAT, DR and TUN (in capitals) and keeps its default.',
      'The YAML has the default.',
    )
    return undefined
  }
  const tunnel = entries()
  for (let i = 0; i < rest.length; i++) {
    const option = rest[i] ?? ''
    if (option === 'type') put(tunnel, 'type', rest[++i] ?? 'ipip')
    else if (option === 'port') put(tunnel, 'port', Number(rest[++i]))
    else if (option === 'csum' || option === 'remcsum') put(tunnel, 'checksum', option)
    else if (option !== 'nocsum')
      report(node, 'trap', 'unknown-word', `keepalived does not know "${option}" here.`, 'Left out.')
  }
  return { forward, ...(forward === 'tun' && tunnel.pairs.length > 0 ? { tunnel } : {}) }
}
