import type { Report } from './finding.js'
import { blockComments, commentsOf, openBlock } from './keepalived-block.js'
import { type Garp, type Globals, readGarp } from './keepalived-globals.js'
import { type Notify, readNotifies } from './keepalived-notify.js'
import type { Node } from './keepalived-parse.js'
import { readPassword } from './keepalived-password.js'
import {
  type Peer,
  readAdvertInterval,
  readPeer,
  readPreempt,
  readPriority,
  readSource,
  readVirtualMac,
  reportAccept,
} from './keepalived-router-settings.js'
import { readRoutes, readRules } from './keepalived-routes.js'
import { readTracks, type Track } from './keepalived-track.js'
import type { Trackers } from './keepalived-trackers.js'
import { bool, interfaceOf, wholeNumber } from './keepalived-values.js'
import { readVip, type Vip } from './keepalived-vip.js'
import type { Comments, Entries, Value } from './yaml-writer.js'

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
  /** Of rules that say none. */
  readonly preferences: ReadonlyMap<Node, number>
  readonly report: Report
}

/** What keepalived makes of one vrrp_instance; undefined when it cannot run at all. */
export function readRouter(
  node: Node,
  { globals, trackers, later, preferences, report }: RouterContext,
): Router | undefined {
  const block = openBlock(node, report)
  const name = node.args[0] ?? ''
  const vridNode = block.one('virtual_router_id')
  const vrid = wholeNumber(vridNode, 1, 255, report, 'exact')
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
  const password = readPassword(block, version, strict, report)
  const preempt = readPreempt(block, master, priority, strict, report)
  const tracks = readTracks(block, trackers, later, report)
  const dontTrack = block.one('dont_track_primary')
  const downNode = block.one('down_timer_adverts')
  const downWanted = wholeNumber(downNode, 1, 100, report) ?? globals.downTimerAdverts
  if (strict && downNode && downWanted !== 3)
    report(
      downNode,
      'trap',
      'strict-ignores',
      'Beside vrrp_strict keepalived ignores this: it waits 3 intervals.',
      'Left out.',
    )
  const down = strict ? 3 : downWanted
  const ttlNode = block.one('unicast_ttl')
  const ttl = wholeNumber(ttlNode, 0, 255, report)
  if (ttlNode && ttl !== undefined && ttl !== 255)
    report(
      ttlNode,
      'lost',
      'unicast-ttl',
      `Unicast adverts go over at most ${Math.max(0, ttl - 1)} routers.`,
      'lvskeeper sends 255, which every director accepts that has no max_ttl; where adverts must not travel, let the firewall stop protocol 112. What is accepted is min_ttl.',
    )
  const garp = readGarp(key => block.one(key), globals.garp, report)
  const checksum = bool(block.one('v3_checksum_as_v2'), report) ?? globals.checksumAsV2
  const virtualMac = readVirtualMac(block, report)
  const routes = readRoutes(block.all('virtual_routes'), report)
  const rules = readRules(block.all('virtual_rules'), preferences, report)
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
      `lvskeeper waits 3, as RFC 9568 says. For about the same time write advert_interval: ${sameSilence(advertInterval * down, version)} once both directors run lvskeeper.`,
    )
  const nic =
    interfaceOf(interfaceNode, interfaceNode?.args[0], report) ??
    vips.find(vip => vip.interface !== undefined)?.interface
  const needsVip = vips.length === 0 && (strict || version === 3)
  if (vrid === undefined || nic === undefined || needsVip) {
    const missing = vrid === undefined ? 'virtual_router_id' : nic === undefined ? 'interface' : 'virtual_ipaddress'
    report(
      node,
      'trap',
      'incomplete-instance',
      `This instance has no valid ${missing}: keepalived does not run it, nor anything else of this file.`,
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

/** The interval of which three make this silence; version 2 knows whole seconds, version 3 hundredths. */
function sameSilence(ms: number, version: 2 | 3): string {
  if (version === 2) return `${Math.max(1, Math.round(ms / 3_000))}s`
  return `${Math.max(10, Math.round(ms / 30) * 10)}ms`
}
