import type { Report } from './finding.js'
import { commentsOf, type openBlock } from './keepalived-block.js'
import type { Node } from './keepalived-parse.js'
import { duration, interfaceOf, isAddress, seconds, wholeNumber } from './keepalived-values.js'
import { type Entries, entries, put } from './yaml-writer.js'

export type Peer = { readonly address: string; readonly minTtl?: number }

export type OpenBlock = ReturnType<typeof openBlock>

export function readPriority(block: OpenBlock, report: Report) {
  const state = block.one('state')
  const word = state?.args[0]
  const priorityNode = block.one('priority')
  const given = wholeNumber(priorityNode, 1, 255, report, 'exact')
  // vrrp.c: MASTER without a priority is taken for the owner of the addresses; a wrong priority becomes 100.
  const priority = given ?? (word === 'MASTER' && !priorityNode ? 255 : 100)
  if (state && word !== 'MASTER' && word !== 'BACKUP')
    report(
      state,
      'trap',
      'bad-state',
      `keepalived knows MASTER and BACKUP only and takes "${word}" for BACKUP.`,
      'lvskeeper decides by priority alone.',
    )
  else if (state)
    report(
      state,
      'note',
      'state-word',
      'Orders the very first election only.',
      'lvskeeper needs no such word: priority decides.',
    )
  if (word === 'MASTER' && !priorityNode && state)
    report(
      state,
      'trap',
      'owner-by-accident',
      'state MASTER without a priority makes keepalived the owner: priority 255, which no tracking can lower.',
      'The YAML has 255.',
    )
  return { priority, master: word === 'MASTER', priorityNode }
}

export function readAdvertInterval(node: Node | undefined, version: 2 | 3, report: Report): number {
  const ms = seconds(node, 0.01, 255, report, 'exact') ?? 1000
  if (!node) return ms
  const most = version === 3 ? 40_950 : 255_000
  const rounded = version === 3 ? Math.round(ms / 10) * 10 : Math.max(1, Math.round(ms / 1000)) * 1000
  const result = Math.min(most, rounded)
  if (result === ms) return ms
  const why =
    version === 2
      ? 'VRRP version 2 counts in whole seconds'
      : 'VRRP version 3 counts in hundredths of a second, up to 40.95 s'
  report(
    node,
    'trap',
    'advert-interval',
    `${why}: keepalived makes ${duration(result)} of it.`,
    version === 2
      ? `The YAML has ${duration(result)}. Shorter needs version: 3 on both directors.`
      : `The YAML has ${duration(result)}.`,
  )
  return result
}

export function readPreempt(
  block: OpenBlock,
  master: boolean,
  priority: number,
  strict: boolean,
  report: Report,
): boolean | number {
  const never = block.one('nopreempt')
  block.one('preempt')
  const delayNode = block.one('preempt_delay')
  const delay = seconds(delayNode, 0, 1000, report)
  if (never && (master || priority === 255)) {
    const why = master ? 'state MASTER' : 'priority 255'
    report(
      never,
      'trap',
      'nopreempt-ignored',
      `keepalived ignores nopreempt beside ${why}: this director does pre-empt.`,
      'The YAML pre-empts too. If it was not meant: preempt: false.',
    )
  }
  const stays = never !== undefined && !master && priority !== 255
  if (delayNode && (master || stays || strict)) {
    report(
      delayNode,
      'trap',
      'preempt-delay-ignored',
      `keepalived ignores preempt_delay beside ${stays ? 'nopreempt' : master ? 'state MASTER' : 'vrrp_strict'}.`,
      'The YAML has no delay either. If it was meant: preempt: { delay: .. }.',
    )
    return !stays
  }
  return stays ? false : delay !== undefined && delay > 0 ? delay : true
}

export function readSource(block: OpenBlock, unicast: boolean, report: Report): string | undefined {
  const unicastSource = block.one('unicast_src_ip')
  const multicastSource = block.one('mcast_src_ip')
  const node = unicast ? (unicastSource ?? multicastSource) : (multicastSource ?? unicastSource)
  if (!unicast && unicastSource)
    report(
      unicastSource,
      'trap',
      'unicast-without-peers',
      'No unicast_peer is named: keepalived speaks multicast.',
      'The YAML has multicast too.',
    )
  const address = node?.args[0]
  if (node && !isAddress(address)) report(node, 'trap', 'bad-address', 'This is no address.', 'Left out.')
  return isAddress(address) ? address : undefined
}

export function readPeer(node: Node, report: Report): Peer[] {
  const [address, ...rest] = node.args
  if (!isAddress(address)) {
    report(node, 'trap', 'bad-address', 'keepalived takes addresses only here and skips this line.', 'Left out.')
    return []
  }
  const at = rest.indexOf('min_ttl')
  const minTtl = at < 0 ? Number.NaN : Number(rest[at + 1])
  if (rest.includes('max_ttl'))
    report(node, 'lost', 'max-ttl', 'Highest TTL that is accepted.', 'Not available: only the lowest can be set.')
  return [{ address, ...(minTtl >= 1 && minTtl <= 255 ? { minTtl } : {}) }]
}

export function reportAccept(block: OpenBlock, strict: boolean, priority: number, node: Node, report: Report): void {
  const none = block.one('no_accept')
  const accept = block.one('accept')
  if ((none || (strict && !accept)) && priority !== 255)
    report(
      none ?? node,
      'trap',
      'no-accept',
      `${none ? 'no_accept' : 'vrrp_strict'} makes keepalived drop every packet to the VIPs themselves: they answer no ping and no service.`,
      'lvskeeper accepts: a load balancer must. Drop packets in your firewall if it was meant.',
    )
}

export function readVirtualMac(block: OpenBlock, report: Report): Entries | boolean | undefined {
  const node = block.one('use_vmac')
  const parent = block.one('vmac_xmit_base')
  if (!node) return undefined
  const [name, mac] = node.args
  const isMac = (text: string | undefined) =>
    text !== undefined && /^([0-9a-fA-F]{1,2}:){4,5}[0-9a-fA-F]{1,2}$/.test(text)
  if (isMac(name) || isMac(mac))
    report(
      node,
      'lost',
      'vmac-address',
      'A MAC of your own choice.',
      "The YAML has the standard's MAC, 00:00:5e:00:01:VRID.",
    )
  const own = isMac(name) ? undefined : interfaceOf(node, name, report)
  if (own === undefined && !parent) return true
  const result = entries()
  put(result, 'interface', own, commentsOf(node))
  if (parent) put(result, 'transmit_on_parent', true, commentsOf(parent))
  return result
}
