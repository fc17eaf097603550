import type { Report } from './finding.js'
import { blockComments, commentsOf, openBlock } from './keepalived-block.js'
import { type Garp, type Globals, readGarp } from './keepalived-globals.js'
import { type Notify, readNotifies } from './keepalived-notify.js'
import type { Node } from './keepalived-parse.js'
import { readRoutes, readRules } from './keepalived-routes.js'
import { readTracks, type Track, trackEntry } from './keepalived-track.js'
import type { Trackers } from './keepalived-trackers.js'
import { bool, duration, interfaceOf, isAddress, seconds, wholeNumber } from './keepalived-values.js'
import { readVip, type Vip } from './keepalived-vip.js'
import { append, type Comments, type Entries, entries, items, mapOf, put, type Value } from './yaml-writer.js'

export type Peer = { readonly address: string; readonly minTtl?: number }

/** One vrrp_instance as keepalived runs it. Milliseconds. */
export type Router = {
  readonly node: Node
  /** As written. */
  readonly name: string
  readonly vrid: number
  readonly interface: string
  readonly family: 4 | 6
  readonly version: 2 | 3
  readonly advertInterval: number
  readonly priority: number
  readonly preempt: boolean | number
  /** Own address that adverts leave from, where the file names one. */
  readonly source?: string
  /** Unicast; empty: multicast. */
  readonly peers: readonly Peer[]
  readonly vips: readonly Vip[]
  readonly excluded: readonly Vip[]
  readonly tracks: readonly Track[]
  readonly ownInterface: boolean
  readonly password?: string
  readonly garp: Garp
  readonly rfcChecksum: boolean
  readonly virtualMac?: Entries | boolean
  readonly routes: Value | undefined
  readonly rules: Value | undefined
  readonly notifies: readonly Notify[]
  readonly mail: boolean
  readonly comments: Comments
  /** Comments of single statements, by the key of the YAML. */
  readonly keyComments: Readonly<Record<string, Comments>>
}

export type RouterContext = {
  readonly globals: Globals
  readonly trackers: Trackers
  readonly later: ReadonlySet<string>
  readonly report: Report
}

/** What keepalived makes of one vrrp_instance; undefined when it cannot run at all. */
export function readRouter(node: Node, { globals, trackers, later, report }: RouterContext): Router | undefined {
  const block = openBlock(node, report)
  const name = node.args[0] ?? ''
  const vridNode = block.one('virtual_router_id')
  const vrid = wholeNumber(vridNode, 1, 255, report)
  const interfaceNode = block.one('interface')
  const vips = block.all('virtual_ipaddress').flatMap(list => readVips(list, report))
  const excluded = block.all('virtual_ipaddress_excluded').flatMap(list => readVips(list, report))
  const family = vips[0]?.address.includes(':') ? 6 : 4
  const versionNode = block.one('version')
  const given = wholeNumber(versionNode, 2, 3, report)
  const version: 2 | 3 = family === 6 ? 3 : given === undefined ? globals.version : given === 3 ? 3 : 2
  const { priority, master, priorityNode } = readPriority(block, report)
  const peersNode = block.all('unicast_peer')
  const peers = peersNode.flatMap(list => list.children.flatMap(child => readPeer(child, report)))
  const source = readSource(block, peers.length > 0, report)
  const strict = bool(block.one('strict_mode'), report) ?? globals.strict
  reportAccept(block, strict, priority, node, report)
  const advertNode = block.one('advert_int')
  const password = readPassword(block, version, report)
  const preempt = readPreempt(block, master, priority, report)
  const tracks = readTracks(block, trackers, later, report)
  const dontTrack = block.one('dont_track_primary')
  const down = wholeNumber(block.one('down_timer_adverts'), 1, 100, report) ?? globals.downTimerAdverts
  const garp = readGarp(key => block.one(key), globals.garp, report)
  const checksum = bool(block.one('v3_checksum_as_v2'), report) ?? globals.checksumAsV2
  const virtualMac = readVirtualMac(block, report)
  const routes = readRoutes(block.all('virtual_routes'), report)
  const rules = readRules(block.all('virtual_rules'), report)
  const notifies = readNotifies(block, 'INSTANCE', name, priority, report)
  const mail = bool(block.one('smtp_alert'), report) ?? globals.mailRouters
  const advertInterval = readAdvertInterval(advertNode, version, report)
  block.finish()
  if (down !== 3)
    report(
      node,
      'lost',
      'down-timer-adverts',
      `Waits ${down} intervals of silence before it takes over.`,
      'lvskeeper waits 3, as RFC 9568 says; lengthen or shorten advert_interval instead, on both directors.',
    )
  const nic =
    interfaceOf(interfaceNode, interfaceNode?.args[0], report) ??
    vips.find(vip => vip.interface !== undefined)?.interface
  if (vrid === undefined || nic === undefined) {
    const missing = vrid === undefined ? 'virtual_router_id' : 'interface'
    report(
      node,
      'trap',
      'incomplete-instance',
      `This instance has no valid ${missing}: keepalived does not run it.`,
      'Left out.',
    )
    return undefined
  }
  if (!interfaceNode)
    report(
      node,
      'lost',
      'no-interface',
      'Unicast without an interface of its own.',
      `The YAML has ${nic}: correct it if adverts take another way.`,
    )
  return {
    ...{ node, name, vrid, interface: nic, family, version, advertInterval, priority, preempt, peers, tracks, garp },
    ...{ excluded, routes, rules, notifies, mail, rfcChecksum: checksum, ownInterface: dontTrack === undefined },
    vips: vips.filter(vip => sameFamily(vip, family, report)),
    ...(source === undefined ? {} : { source }),
    ...(password === undefined ? {} : { password }),
    ...(virtualMac === undefined ? {} : { virtualMac }),
    comments: blockComments(node),
    keyComments: {
      vrid: commentsOf(vridNode),
      interface: commentsOf(interfaceNode),
      version: commentsOf(versionNode),
      advert_interval: commentsOf(advertNode),
      priorities: commentsOf(priorityNode),
    },
  }
}

type OpenBlock = ReturnType<typeof openBlock>

function readVips(list: Node, report: Report): Vip[] {
  return list.children.flatMap(child => readVip(child, report) ?? [])
}

function sameFamily(vip: Vip, family: 4 | 6, report: Report): boolean {
  if ((vip.address.includes(':') ? 6 : 4) === family) return true
  report(
    vip.node,
    'trap',
    'vip-family',
    'All VIPs of an instance have the family of the first one; keepalived skips this one.',
    'Left out; it belongs into excluded_vips or a router of its own.',
  )
  return false
}

function readPriority(block: OpenBlock, report: Report) {
  const state = block.one('state')
  const word = state?.args[0]
  const priorityNode = block.one('priority')
  const given = wholeNumber(priorityNode, 1, 255, report)
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

function readAdvertInterval(node: Node | undefined, version: 2 | 3, report: Report): number {
  const ms = seconds(node, 0.01, 255, report) ?? 1000
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

function readPreempt(block: OpenBlock, master: boolean, priority: number, report: Report): boolean | number {
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
  if (delayNode && (master || stays)) {
    report(
      delayNode,
      'trap',
      'preempt-delay-ignored',
      `keepalived ignores preempt_delay beside ${stays ? 'nopreempt' : 'state MASTER'}.`,
      'The YAML has no delay either. If it was meant: preempt: { delay: .. }.',
    )
    return !stays
  }
  return stays ? false : delay !== undefined && delay > 0 ? delay : true
}

function readPassword(block: OpenBlock, version: 2 | 3, report: Report): string | undefined {
  const hmac = block.one('auth_hmac')
  if (hmac)
    report(
      hmac,
      'lost',
      'auth-hmac',
      'Signs adverts.',
      'Put each key into a file of its own and write authentication: { hmac: { keys: { 1: FILE } } }, on both directors.',
    )
  const outer = block.one('authentication')
  if (!outer) return undefined
  const inner = openBlock(outer, report)
  const type = inner.one('auth_type')
  const pass = inner.one('auth_pass')
  inner.finish()
  const word = type?.args[0]
  if (version === 3) {
    report(
      outer,
      'trap',
      'authentication-ignored',
      'VRRP version 3 has no such authentication: keepalived ignores the block.',
      'Left out.',
    )
    return undefined
  }
  if (word === 'AH') {
    report(
      type ?? outer,
      'lost',
      'authentication-ah',
      'IPsec authentication headers.',
      'Not available: set auth_type PASS on the other director first, or use version 3 with hmac.',
    )
    return undefined
  }
  const secret = pass?.args[0]
  if (word !== 'PASS' || secret === undefined || secret === '') {
    report(
      outer,
      'trap',
      'authentication-incomplete',
      'Without auth_type PASS and auth_pass keepalived sends no password.',
      'The YAML has none.',
    )
    return undefined
  }
  if (pass?.after !== undefined && !/^\s/.test(pass.after))
    report(
      pass,
      'trap',
      'password-cut-by-comment',
      `An unquoted # or ! starts a comment, even inside a word: the password is "${secret}".`,
      'The YAML has this password, as the other director has it. Quote it on both to use all of it.',
    )
  const bytes = Buffer.from(secret)
  if (bytes.length > 8) {
    const kept = bytes
      .subarray(0, 8)
      .toString('utf8')
      .replace(/\ufffd+$/, '')
    report(
      pass ?? outer,
      'trap',
      'password-truncated',
      `keepalived uses the first 8 bytes of a password only: "${kept}".`,
      'The YAML has these. The password is readable on the wire: it keeps mistakes out, not attackers.',
    )
    return kept
  }
  return secret
}

function readSource(block: OpenBlock, unicast: boolean, report: Report): string | undefined {
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

function readPeer(node: Node, report: Report): Peer[] {
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

function reportAccept(block: OpenBlock, strict: boolean, priority: number, node: Node, report: Report): void {
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

function readVirtualMac(block: OpenBlock, report: Report): Entries | boolean | undefined {
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

export type Rename = (name: string) => string

/** A router's entry in the YAML, without what differs between directors (priority, peers). */
export function routerEntry(router: Router, rename: Rename, syncGroup: string | undefined): Entries {
  const entry = entries()
  const { keyComments, vips, excluded, garp } = router
  put(entry, 'vrid', router.vrid, keyComments['vrid'])
  put(entry, 'interface', rename(router.interface), keyComments['interface'])
  put(entry, 'version', router.version, keyComments['version'])
  put(entry, 'advert_interval', duration(router.advertInterval), keyComments['advert_interval'])
  put(
    entry,
    'preempt',
    typeof router.preempt === 'number' ? mapOf({ delay: duration(router.preempt) }) : router.preempt,
  )
  if (router.rfcChecksum && router.version === 3 && router.family === 4) put(entry, 'profile', 'rfc9568')
  if (router.password !== undefined) put(entry, 'authentication', mapOf({ pass: router.password }))
  if (vips.length > 0) put(entry, 'vips', vipList(vips, router, rename))
  if (excluded.length > 0) put(entry, 'excluded_vips', vipList(excluded, router, rename))
  put(entry, 'virtual_mac', router.virtualMac)
  put(entry, 'sync_group', syncGroup)
  put(entry, 'track', trackOf(router, rename))
  put(entry, 'routes', router.routes)
  put(entry, 'rules', router.rules)
  put(entry, 'garp', garpEntry(garp))
  return entry
}

function vipList(vips: readonly Vip[], router: Router, rename: Rename): Value {
  const list = items()
  for (const { address, prefix, interface: nic, node } of vips) {
    const text = `${address}/${prefix}`
    const elsewhere = nic !== undefined && nic !== router.interface
    append(list, elsewhere ? mapOf({ address: text, interface: rename(nic) }) : text, commentsOf(node))
  }
  return list
}

/** keepalived also tracks the interfaces that carry VIPs. */
function trackOf(router: Router, rename: Rename): Entries | undefined {
  const named = new Set(router.tracks.filter(track => track.kind === 'interfaces').map(track => track.name))
  const carriers = [...router.vips, ...router.excluded].flatMap(vip => vip.interface ?? [])
  const more = [...new Set(carriers)].filter(nic => nic !== router.interface && !named.has(nic))
  const tracks = [
    ...router.tracks.map(track => (track.kind === 'interfaces' ? { ...track, name: rename(track.name) } : track)),
    ...more.map(nic => ({
      kind: 'interfaces' as const,
      name: rename(nic),
      weight: 0,
      reverse: false,
      comments: {},
      node: router.node,
    })),
  ]
  return trackEntry(tracks, router.ownInterface)
}

function garpEntry(garp: Garp): Entries {
  const entry = entries()
  if (garp.repeat !== 5) put(entry, 'repeat', garp.repeat)
  if (garp.delay !== 5000) put(entry, 'delay', duration(garp.delay))
  put(entry, 'refresh', duration(garp.refresh))
  if (garp.refreshRepeat !== 1) put(entry, 'refresh_repeat', garp.refreshRepeat)
  if (garp.lowerRepeat !== undefined && garp.lowerRepeat !== garp.repeat)
    put(entry, 'lower_priority_repeat', garp.lowerRepeat)
  if (garp.lowerDelay !== undefined && garp.lowerDelay !== garp.delay)
    put(entry, 'lower_priority_delay', duration(garp.lowerDelay))
  return entry
}
