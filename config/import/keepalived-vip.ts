import type { Report, Severity } from './finding.js'
import type { Node } from './keepalived-parse.js'
import { interfaceOf, isAddress } from './keepalived-values.js'

export type Vip = {
  readonly node: Node
  readonly address: string
  readonly prefix: number
  readonly interface?: string
  /** `no_track`: its interface may be down. */
  readonly untracked: boolean
}

type Word = { readonly takes: number; readonly severity: Severity; readonly meaning: string; readonly instead: string }

function word(takes: number, severity: Severity, meaning: string, instead: string): Word {
  return { takes, severity, meaning, instead }
}

const options: Readonly<Record<string, Word>> = {
  label: word(
    1,
    'note',
    'Labels the address for ifconfig.',
    'lvskeeper marks its addresses by their protocol number (ip -d address).',
  ),
  scope: word(1, 'lost', 'Scope of the address.', 'lvskeeper adds VIPs with global scope.'),
  brd: word(1, 'note', 'Broadcast address.', 'lvskeeper sets none: a VIP is no place to broadcast from.'),
  broadcast: word(1, 'note', 'Broadcast address.', 'lvskeeper sets none: a VIP is no place to broadcast from.'),
  peer: word(1, 'lost', 'Point-to-point peer of the address.', 'Not available.'),
  home: word(0, 'lost', 'Mobile IPv6 home address.', 'Not available.'),
  '-nodad': word(0, 'note', 'Duplicate address detection for this address.', 'lvskeeper adds IPv6 VIPs without it.'),
  mngtmpaddr: word(0, 'lost', 'Manages temporary addresses.', 'Not available.'),
  noprefixroute: word(0, 'lost', 'Adds no route for the prefix.', 'Use /32 (or /128): it brings no route.'),
  autojoin: word(0, 'lost', 'Joins multicast groups.', 'Not available.'),
  no_track: word(
    0,
    'note',
    'Neither this address nor its interface is watched.',
    'The YAML does not track the interface; lvskeeper puts every VIP back.',
  ),
  preferred_lft: word(
    1,
    'note',
    'Whether the address may be a source.',
    'lvskeeper adds VIPs with preferred_lft 0: never a source by itself.',
  ),
  use_vmac: word(0, 'lost', 'A macvlan for this address.', 'Use `virtual_mac` of the router.'),
}

/** linux/if.h: IFNAMSIZ, the closing zero included. */
const longestLabel = 15

/** One line of virtual_ipaddress; the words behind the address may come in any order. */
export function readVip(node: Node, report: Report): Vip | undefined {
  const [first = '', ...rest] = node.args
  const [address, length] = first.split('/', 2)
  if (!isAddress(address)) {
    report(node, 'trap', 'bad-address', 'keepalived takes this for no address and skips the line.', 'Left out.')
    return undefined
  }
  const whole = address.includes(':') ? 128 : 32
  const written = length === undefined ? whole : /^\d+$/.test(length) ? Number(length) : Number.NaN
  const valid = written <= whole
  const prefix = valid ? written : whole
  if (!valid)
    report(
      node,
      'trap',
      'bad-prefix',
      `/${length} is no prefix length of this address: keepalived takes /${whole}.`,
      `The YAML has /${whole}.`,
    )
  let dev: string | undefined
  for (let i = 0; i < rest.length; i++) {
    const key = rest[i] ?? ''
    if (key === 'dev') dev = interfaceOf(node, rest[++i], report)
    else if (Object.hasOwn(options, key)) {
      const option = options[key]
      if (!option) continue
      i += option.takes
      if (key === 'label' && Buffer.byteLength(rest[i] ?? '') > longestLabel) {
        const meaning = `A label has at most ${longestLabel} characters: keepalived drops the whole address.`
        report(node, 'trap', 'vip-label', meaning, 'Left out. If it was meant, shorten the label and import again.')
        return undefined
      }
      if (key === 'scope' && ['global', '0'].includes(rest[i] ?? '')) continue
      report(node, option.severity, 'vip-option', option.meaning, option.instead)
    } else report(node, 'trap', 'unknown-word', `keepalived does not know "${key}" behind an address.`, 'Left out.')
  }
  return {
    node,
    address,
    prefix,
    untracked: rest.includes('no_track'),
    ...(dev === undefined ? {} : { interface: dev }),
  }
}
