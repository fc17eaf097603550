import type { Report } from './finding.js'
import { type Block, blockComments, commentsOf, openBlock } from './keepalived-block.js'
import { type Check, checkerWords, readChecker } from './keepalived-checker.js'
import { type Forward, readForward } from './keepalived-forward.js'
import type { Target } from './keepalived-group.js'
import type { Notify } from './keepalived-notify.js'
import type { Node } from './keepalived-parse.js'
import type { ServiceContext } from './keepalived-service.js'
import { lastValid } from './keepalived-service-settings.js'
import { type CheckerContext, readTiming } from './keepalived-timing.js'
import { bool, command, isAddress, portNumber, wholeNumber } from './keepalived-values.js'
import { type Comments, type Entries, mapOf, put } from './yaml-writer.js'

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

export function familyFits(
  { address, forward, node }: Pick<RealServer, 'address' | 'forward' | 'node'>,
  [first]: readonly Target[],
  report: Report,
): boolean {
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

type Inherited = Pick<CheckerContext, 'timing' | 'port'> & {
  readonly forward: Forward
  readonly inhibit: boolean
  readonly weight: number
  readonly mail: boolean
  readonly marked: boolean
}

export function readRealServer(
  node: Node,
  inherited: Inherited,
  { files, tls, report }: ServiceContext,
): RealServer | undefined {
  const [address = '', portText] = node.args
  const block = openBlock(node, report)
  const forward = lastValid(block.all('lvs_method'), one => readForward(one, report)) ?? inherited.forward
  const timing = readTiming(block, inherited.timing, report)
  const given = portNumber(node, portText, report)
  const valid = isAddress(address) && isPort(given ?? 0)
  const port = valid ? portOf(node, given, forward, inherited, report) : undefined
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
  if (!valid) {
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

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535
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

export function uniqueServers(servers: readonly RealServer[], report: Report): RealServer[] {
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

export function readSorry(
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
  const given = portNumber(node, portText, report)
  if (!isPort(given ?? 0)) {
    report(node, 'trap', 'bad-address', 'keepalived takes numbers of ports only.', 'Left out.')
    return undefined
  }
  const forward = own ?? inherited.forward
  const port = portOf(node, given, forward, inherited, report)
  const entry = mapOf({ address, port, ...(own ? { forward: own.forward, tunnel: own.tunnel } : {}) })
  if (inhibit) put(entry, 'inhibit', true, commentsOf(inhibit))
  return { entry, address, port, node }
}

export function notify(node: Node | undefined, event: Notify['event'], report: Report): Notify[] {
  const run = node && command(node, report)
  if (!node || !run) return []
  report(
    node,
    'note',
    'notify-script',
    'keepalived starts it beside itself: order and completion are not guaranteed.',
    'The YAML has an alert with exec: one at a time, in order, 60 s at most; nothing runs at the stop.',
  )
  return [{ node, ...run, event }]
}
