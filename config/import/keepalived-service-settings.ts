import type { Report } from './finding.js'
import { type Block, commentsOf } from './keepalived-block.js'
import { type Forward, readForward } from './keepalived-forward.js'
import type { Target } from './keepalived-group.js'
import type { Node } from './keepalived-parse.js'
import type { RealServer } from './keepalived-real-server.js'
import { duration, isAddress, wholeNumber } from './keepalived-values.js'
import { type Entries, items, mapOf, put } from './yaml-writer.js'

const flagWords = ['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback']

const schedulers = 'rr wrr lc wlc lblc lblcr sh mh dh fo ovf sed nq twos'.split(' ')

export function readScheduler(block: Block, entry: Entries, report: Report): void {
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

export function readProtocol(block: Block, node: Node, marked: boolean, report: Report): 'tcp' | 'udp' | 'sctp' {
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
    else if (marked)
      report(
        statement,
        'note',
        'not-needed',
        'A firewall mark is of every protocol: keepalived ignores this.',
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
export function lastValid<T>(statements: readonly Node[], read: (statement: Node) => T | undefined): T | undefined {
  return statements.reduce<T | undefined>((value, statement) => read(statement) ?? value, undefined)
}

export function readMethod(block: Block, node: Node, report: Report): Forward {
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

export function readPersistence(
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
    timeout && timeout.args.length > 0
      ? wholeNumber(timeout, 1, 31 * 86_400, report, 'exact')
      : timeout
        ? 360
        : undefined
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

export function readQuorum(block: Block, entry: Entries, servers: readonly RealServer[], report: Report): void {
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
