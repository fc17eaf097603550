import type { Place, Report } from './finding.js'
import { type Block, blockComments, commentsOf, openBlock } from './keepalived-block.js'
import {
  builtInTiming,
  type Check,
  type CheckerContext,
  checkerWords,
  readChecker,
  readTiming,
} from './keepalived-checker.js'
import { type Forward, readForward } from './keepalived-forward.js'
import { readHeader, type Target } from './keepalived-group.js'
import type { Notify } from './keepalived-notify.js'
import type { Node } from './keepalived-parse.js'
import { bool, command, duration, isAddress, wholeNumber } from './keepalived-values.js'
import { type Comments, type Entries, entries, items, mapOf, put } from './yaml-writer.js'

export type RealServer = {
  readonly address: string
  /** undefined: the virtual server's. */
  readonly port?: number
  readonly weight: number
  readonly forward: Forward
  readonly upper?: number
  readonly lower?: number
  readonly inhibit: boolean
  readonly checks: readonly Check[]
  readonly notifies: readonly Notify[]
  readonly mail: boolean
  readonly node: Node
  readonly comments: Comments
}

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

const flagWords = ['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback']
const schedulers = 'rr wrr lc wlc lblc lblcr sh mh dh fo ovf sed nq twos'.split(' ')

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
  const alphas = realServers.flatMap(server => server.checks.map(check => check.alpha))
  const start = alphas.length > 0 && alphas.every(alpha => alpha) ? 'down' : 'up'
  if (start === 'up' && alphas.some(alpha => alpha))
    report(
      node,
      'lost',
      'mixed-alpha',
      'Some real servers start down until their first success (alpha), others start up.',
      'The YAML starts all of them up. `start: check` waits for the first results of all.',
    )
  reportInhibit(node, realServers, report)
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
  if (tunnels || first?.kind !== 'address') return targets
  const fitting = targets.filter(target => target.kind === 'mark' || target.family === first.family)
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

function familyFits({ address, forward, node }: RealServer, [first]: readonly Target[], report: Report): boolean {
  const own = address.includes(':') ? 6 : 4
  if (!first || first.family === undefined || first.family === own || forward.forward === 'tun') return true
  report(
    node,
    'trap',
    'family-mismatch',
    `This real server is IPv${own}, the virtual server IPv${first.family}: without a tunnel keepalived skips it.`,
    'Left out.',
  )
  return false
}

function readScheduler(block: Block, entry: Entries, report: Report): void {
  const statements = block.all('lvs_sched')
  const valid = lastValid(statements, statement => {
    const word = statement.args[0] ?? ''
    if (schedulers.includes(word)) return word
    report(
      statement,
      'trap',
      'bad-value',
      `keepalived does not know the scheduler "${word}" and ignores it.`,
      'Left out.',
    )
    return undefined
  })
  const scheduler = valid ?? 'wlc'
  put(entry, 'scheduler', scheduler, commentsOf(statements.at(-1)))
  const flags = flagWords.flatMap(flag => {
    const [statement] = block.all(flag)
    if (!statement) return []
    const [prefix] = flag.split('-')
    if (prefix === 'flag' || prefix === scheduler) return [flag]
    report(
      statement,
      'trap',
      'scheduler-flag',
      `${flag} is for the scheduler ${prefix}: ${scheduler} knows nothing of it.`,
      'Left out.',
    )
    return []
  })
  if (flags.length > 0) put(entry, 'scheduler_flags', items(flags))
}

function readProtocol(block: Block, node: Node, marked: boolean, report: Report): 'tcp' | 'udp' | 'sctp' {
  const names: Readonly<Record<string, 'tcp' | 'udp' | 'sctp'>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' }
  const protocol = lastValid(block.all('protocol'), statement => {
    const known = names[(statement.args[0] ?? '').toUpperCase()]
    if (known === undefined)
      report(
        statement,
        'trap',
        'bad-value',
        `keepalived knows TCP, UDP and SCTP, not "${statement.args[0] ?? ''}".`,
        'Left out.',
      )
    return known
  })
  if (protocol === undefined && !marked)
    report(
      node,
      'trap',
      'protocol-udp',
      'Without a valid `protocol` keepalived makes a UDP service.',
      'The YAML has protocol: udp. If TCP was meant: protocol: tcp.',
    )
  return protocol ?? 'udp'
}

/** A value that keepalived refuses leaves the one before it. */
function lastValid<T>(statements: readonly Node[], read: (statement: Node) => T | undefined): T | undefined {
  return statements.reduce<T | undefined>((value, statement) => read(statement) ?? value, undefined)
}

function readMethod(block: Block, node: Node, report: Report): Forward {
  const forward = lastValid(block.all('lvs_method'), statement => readForward(statement, report))
  if (!forward)
    report(
      node,
      'trap',
      'method-nat',
      'Without a valid lb_kind (lvs_method) keepalived forwards by NAT; ipvsadm by DR.',
      'The YAML has forward: nat.',
    )
  return forward ?? { forward: 'nat' }
}

function readPersistence(
  protocol: string,
  block: Block,
  node: Node,
  entry: Entries,
  targets: readonly Target[],
  report: Report,
): void {
  const timeout = block.one('persistence_timeout')
  const granularity = block.one('persistence_granularity')
  const engine = block.one('persistence_engine')
  const portless = targets.some(target => target.kind === 'address' && target.port === 0)
  const given =
    timeout && timeout.args.length > 0 ? wholeNumber(timeout, 1, 31 * 86_400, report) : timeout ? 360 : undefined
  if (timeout && timeout.args.length === 0)
    report(
      timeout,
      'note',
      'persistence-default',
      'Without a number keepalived takes 360 seconds.',
      'The YAML has 360s.',
    )
  if (portless && given === undefined)
    report(
      node,
      'trap',
      'port-zero',
      'A virtual server without a port is for all ports and must be persistent: keepalived sets 360 seconds.',
      'The YAML has port 0 and persistence: 360s.',
    )
  const seconds = given ?? (granularity || portless || engine ? 360 : undefined)
  if (seconds === undefined) return
  const netmask = granularity && prefixOf(granularity, report)
  const name = engine?.args[0] === 'sip' && protocol === 'udp' ? 'sip' : undefined
  if (engine && name === undefined)
    report(engine, 'trap', 'bad-value', 'The kernel knows the engine sip only, and that for UDP.', 'Left out.')
  const comments = commentsOf(timeout ?? granularity)
  if (netmask === undefined && name !== 'sip') put(entry, 'persistence', duration(seconds * 1000), comments)
  else put(entry, 'persistence', mapOf({ timeout: duration(seconds * 1000), netmask, engine: name }), comments)
}

/** A dotted mask or a prefix length. */
function prefixOf(node: Node, report: Report): number | undefined {
  const text = node.args[0] ?? ''
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 128) return Number(text)
  const bits =
    isAddress(text) && !text.includes(':')
      ? text
          .split('.')
          .map(part => Number(part).toString(2).padStart(8, '0'))
          .join('')
      : ''
  if (/^1+0*$/.test(bits)) return bits.replace(/0+$/, '').length
  report(node, 'trap', 'bad-value', 'This is no netmask.', 'Left out.')
  return undefined
}

function readQuorum(block: Block, entry: Entries, servers: readonly RealServer[], report: Report): void {
  const node = block.one('quorum')
  const hysteresisNode = block.one('hysteresis')
  const sum = servers.reduce((total, server) => total + server.weight, 0)
  const wanted = wholeNumber(node, 1, 2_147_483_647, report) ?? 1
  const quorum = Math.max(1, Math.min(wanted, sum))
  if (node && quorum < wanted)
    report(
      node,
      'trap',
      'quorum-lowered',
      `All weights together are ${sum}: keepalived lowers the quorum to that.`,
      `The YAML has ${quorum}.`,
    )
  if (quorum !== 1) put(entry, 'quorum', quorum, commentsOf(node))
  const hysteresis = wholeNumber(hysteresisNode, 0, 2_147_483_647, report) ?? 0
  const kept = Math.max(0, Math.min(hysteresis, quorum - 1, sum - quorum))
  if (hysteresisNode && kept < Math.min(hysteresis, quorum - 1))
    report(
      hysteresisNode,
      'lost',
      'hysteresis-lowered',
      `quorum and hysteresis together are above the sum of the weights, ${sum}: in keepalived the quorum, once lost, never comes back.`,
      `The YAML has ${kept}.`,
    )
  else if (hysteresisNode && kept < hysteresis)
    report(
      hysteresisNode,
      'trap',
      'hysteresis-lowered',
      `hysteresis must be below the quorum: keepalived lowers it to ${kept}.`,
      `The YAML has ${kept}.`,
    )
  if (kept > 0) put(entry, 'hysteresis', kept, commentsOf(hysteresisNode))
}

type Inherited = Pick<CheckerContext, 'timing' | 'port'> & {
  readonly forward: Forward
  readonly inhibit: boolean
  readonly weight: number
  readonly mail: boolean
  readonly marked: boolean
}

function readRealServer(
  node: Node,
  inherited: Inherited,
  { files, tls, report }: ServiceContext,
): RealServer | undefined {
  const [address = '', portText] = node.args
  const block = openBlock(node, report)
  const forward = lastValid(block.all('lvs_method'), one => readForward(one, report)) ?? inherited.forward
  const timing = readTiming(block, inherited.timing, report)
  const given = portText === undefined ? undefined : Number(portText)
  const port = portOf(node, given, forward, inherited, report)
  const own = port ?? inherited.port
  const context = { timing, port: own, checkPort: given !== undefined && given > 0 ? given : own, files, tls, report }
  const checks = checkerWords.flatMap(word => block.all(word)).flatMap(checker => readChecker(checker, context))
  const upper = wholeNumber(block.one('uthreshold'), 0, 4_294_967_295, report) ?? 0
  const lowerNode = block.one('lthreshold')
  const wanted = wholeNumber(lowerNode, 0, 4_294_967_295, report) ?? 0
  const lower = wanted < upper ? wanted : 0
  if (lowerNode && wanted > 0 && lower === 0)
    report(lowerNode, 'trap', 'threshold', 'lthreshold means something only below a uthreshold.', 'Left out.')
  const weight = wholeNumber(block.one('weight'), 0, 2_147_483_647, report) ?? inherited.weight
  const inhibit = bool(block.one('inhibit_on_failure'), report) ?? inherited.inhibit
  const mail = bool(block.one('smtp_alert'), report) ?? inherited.mail
  const notifies = [
    ...notify(block.one('notify_up'), 'server.up', report),
    ...notify(block.one('notify_down'), 'server.down', report),
  ]
  block.finish()
  if (!isAddress(address) || Number.isNaN(given ?? 0) || (given ?? 0) < 0 || (given ?? 0) > 65_535) {
    report(
      node,
      'trap',
      'bad-address',
      'keepalived takes literal addresses and numbers of ports only: it skips this real server.',
      'Left out; lvskeeper also takes names: { dns: NAME }.',
    )
    return undefined
  }
  return {
    ...{ address, weight, forward, inhibit, checks, notifies, mail, node },
    ...(port === undefined ? {} : { port }),
    ...(upper ? { upper } : {}),
    ...(lower ? { lower } : {}),
    comments: blockComments(node),
  }
}

/** undefined: the virtual server's port. With dr and tun it cannot be another one. */
function portOf(
  node: Node,
  given: number | undefined,
  forward: Forward,
  { port, marked }: Inherited,
  report: Report,
): number | undefined {
  if (given === undefined || given === 0 || given === port) return undefined
  if (forward.forward === 'nat') return given
  if (port === undefined && !marked) return undefined
  if (!marked)
    report(
      node,
      'trap',
      'port-forced',
      `${forward.forward.toUpperCase()} cannot map ports: keepalived uses ${port ?? 0} in the table, and ${given} for the checks.`,
      'The YAML does the same.',
    )
  return undefined
}

function uniqueServers(servers: readonly RealServer[], report: Report): RealServer[] {
  const seen = new Set<string>()
  return servers.filter(({ address, port, node }) => {
    const key = `${address} ${port ?? ''}`
    if (!seen.has(key)) return seen.add(key)
    report(
      node,
      'trap',
      'duplicate-real-server',
      'This real server stands here twice; keepalived drops the second one.',
      'Left out.',
    )
    return false
  })
}

function readSorry(
  block: Block,
  inherited: Inherited,
  report: Report,
): { entry: Entries; address: string; port: number | undefined; node: Node } | undefined {
  const node = block.one('sorry_server')
  const inhibit = block.one('sorry_server_inhibit')
  const own = readForward(block.one('sorry_server_lvs_method'), report)
  if (!node) return undefined
  const [address = '', portText] = node.args
  if (!isAddress(address)) {
    report(node, 'trap', 'bad-address', 'keepalived takes literal addresses only.', 'Left out.')
    return undefined
  }
  const forward = own ?? inherited.forward
  const port = portOf(node, portText === undefined ? undefined : Number(portText), forward, inherited, report)
  const entry = mapOf({ address, port, ...(own ? { forward: own.forward, tunnel: own.tunnel } : {}) })
  if (inhibit) put(entry, 'inhibit', true, commentsOf(inhibit))
  return { entry, address, port, node }
}

function notify(node: Node | undefined, event: Notify['event'], report: Report): Notify[] {
  const run = node && command(node, report)
  if (!node || !run) return []
  report(
    node,
    'note',
    'notify-script',
    'keepalived starts it beside itself: order and completion are not guaranteed.',
    'The YAML has an alert with exec: in order, again if it fails; nothing runs at start and stop.',
  )
  return [{ node, ...run, event }]
}

function reportInhibit(place: Place, servers: readonly RealServer[], report: Report): void {
  const inhibited = servers.filter(server => server.inhibit)
  if (inhibited.length > 0 && inhibited.length < servers.length)
    report(
      place,
      'lost',
      'mixed-inhibit',
      'inhibit_on_failure for some of the real servers.',
      'on_down holds for a whole virtual server: the YAML removes them when they are down.',
    )
}
