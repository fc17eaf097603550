import type { Report } from './finding.js'
import { blockComments, commentsOf, openBlock } from './keepalived-block.js'
import type { Forward } from './keepalived-forward.js'
import { readHeader, type Target } from './keepalived-group.js'
import type { Notify } from './keepalived-notify.js'
import type { Node } from './keepalived-parse.js'
import {
  familyFits,
  notify,
  type RealServer,
  readRealServer,
  readSorry,
  uniqueServers,
} from './keepalived-real-server.js'
import { readMethod, readPersistence, readProtocol, readQuorum, readScheduler } from './keepalived-service-settings.js'
import { builtInTiming, readTiming } from './keepalived-timing.js'
import { bool, wholeNumber } from './keepalived-values.js'
import { type Comments, type Entries, entries, put } from './yaml-writer.js'

/** One virtual_server as keepalived runs it. */
export type Service = {
  readonly node: Node
  /** A name that the original offers: its group, snmp_name; else made from address, port and protocol. */
  readonly name: string
  readonly targets: readonly Target[]
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  /** Keys of the YAML besides address, real servers and checks. */
  readonly entry: Entries
  readonly forward: Forward
  readonly start: 'up' | 'down'
  readonly realServers: readonly RealServer[]
  readonly notifies: readonly Notify[]
  readonly mailQuorum: boolean
  readonly comments: Comments
}

export type ServiceContext = {
  readonly groups: ReadonlyMap<string, readonly Target[]>
  readonly files: ReadonlyMap<string, string>
  readonly tls: Entries | undefined
  readonly mailServices: boolean | undefined
  readonly report: Report
}

/** What keepalived makes of one virtual_server; undefined when it drops it. */
export function readService(node: Node, context: ServiceContext): Service | undefined {
  const { report } = context
  const named = readTargets(node, context)
  const targets = oneFamily(named, node, report)
  const block = openBlock(node, report)
  const entry = entries()
  readScheduler(block, entry, report)
  const marked = targets.every(target => target.kind === 'mark')
  const protocol = readProtocol(block, node, marked, report)
  readPersistence(protocol, block, node, entry, targets, report)
  const ops = block.one('ops')
  if (ops && (protocol === 'udp' || marked)) put(entry, 'one_packet', true, commentsOf(ops))
  else if (ops) report(ops, 'trap', 'ops-udp', 'One-packet scheduling is for UDP: keepalived clears it.', 'Left out.')
  const forward = readMethod(block, node, report)
  const timing = readTiming(block, builtInTiming, report)
  const inhibit = bool(block.one('inhibit_on_failure'), report) ?? false
  const weight = wholeNumber(block.one('weight'), 0, 2_147_483_647, report) ?? 1
  const mailNode = bool(block.one('smtp_alert'), report)
  const [first] = targets
  const port =
    first?.kind === 'address' &&
    targets.every(target => target.kind === 'address' && target.port === first.port) &&
    first.port > 0
      ? first.port
      : undefined
  const inherited = { timing, port, forward, inhibit, weight, mail: mailNode ?? context.mailServices ?? true, marked }
  const realServers = uniqueServers(
    block
      .all('real_server')
      .flatMap(server => readRealServer(server, inherited, context) ?? [])
      .filter(server => familyFits(server, targets, report)),
    report,
  )
  const sorry = readSorry(block, inherited, report)
  readQuorum(block, entry, realServers, report)
  const sorryIsReal =
    sorry && realServers.some(server => server.address === sorry.address && server.port === sorry.port)
  if (sorry && sorryIsReal)
    report(
      sorry.node,
      'lost',
      'sorry-is-real',
      'The sorry server is one of the real servers.',
      'Left out: give the real server tier: 2, or take another machine for it.',
    )
  const notifies = [
    ...notify(block.one('quorum_up'), 'service.up', report),
    ...notify(block.one('quorum_down'), 'service.down', report),
  ]
  const family = block.one('ip_family')?.args[0]
  if (marked && family !== undefined) put(entry, 'family', family === 'inet6' ? 6 : 4)
  const snmpName = block.node.children.find(child => child.keyword === 'snmp_name')?.args[0]
  block.finish()
  if (targets.length === 0) return undefined
  if (realServers.length === 0) {
    report(
      node,
      'trap',
      'no-real-servers',
      'keepalived drops a virtual server without valid real servers.',
      'Left out.',
    )
    return undefined
  }
  if (realServers.every(server => server.weight === 0)) {
    report(
      node,
      'lost',
      'weights-zero',
      'All real servers have weight 0: they get no new connections.',
      'Left out: a virtual server of lvskeeper needs weight. Drain real servers at run time: lvskeeper drain.',
    )
    return undefined
  }
  const start = realServers.every(server => startOf(server) === 'down') ? 'down' : 'up'
  if (realServers.every(server => server.inhibit)) put(entry, 'on_down', 'inhibit')
  if (sorry && !sorryIsReal) put(entry, 'sorry_server', sorry.entry, commentsOf(sorry.node))
  return {
    node,
    name: nameOf(node, targets, protocol, snmpName),
    ...{ targets, protocol, entry, forward, start, realServers, notifies },
    mailQuorum: mailNode ?? context.mailServices ?? false,
    comments: blockComments(node),
  }
}

function nameOf(node: Node, targets: readonly Target[], protocol: string, snmpName: string | undefined): string {
  const [first] = targets
  if (snmpName !== undefined) return snmpName
  if (node.args[0] === 'group') return node.args[1] ?? 'group'
  if (first?.kind === 'mark') return `mark-${first.mark}`
  const [address = '', port = '0'] = node.args
  return `${protocol}-${address}-${port}`
}

function readTargets(node: Node, { groups, report }: ServiceContext): readonly Target[] {
  if (node.args[0] !== 'group') {
    const target = readHeader(node, report)
    return target ? [target] : []
  }
  const targets = groups.get(node.args[1] ?? '')
  if (targets) return targets
  report(
    node,
    'trap',
    'unknown-group',
    `There is no virtual_server_group "${node.args[1] ?? ''}": keepalived drops this virtual server.`,
    'Left out.',
  )
  return []
}

/** Only tunnels cross families; a group of both families without them is an error that leaves the first one. */
function oneFamily(targets: readonly Target[], node: Node, report: Report): readonly Target[] {
  const [first] = targets
  const tunnels = node.children.some(child => child.keyword === 'lvs_method' && child.args[0] === 'TUN')
  if (tunnels || first === undefined || first.family === undefined) return targets
  const fitting = targets.filter(target => target.family === undefined || target.family === first.family)
  if (fitting.length < targets.length)
    report(
      node,
      'trap',
      'family-mismatch',
      'A group of both families needs tunnels: keepalived refuses this one.',
      `The YAML has the IPv${first.family} addresses.`,
    )
  return fitting
}

/** With alpha a real server is down until all its checks have passed once (check_api.c). */
export function startOf({ checks }: RealServer): 'up' | 'down' {
  return checks.some(({ alpha }) => alpha) ? 'down' : 'up'
}
