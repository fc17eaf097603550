import type { Report } from './finding.js'
import { type Block, blockComments, commentsOf, openBlock } from './keepalived-block.js'
import { httpEntries } from './keepalived-http.js'
import type { Node } from './keepalived-parse.js'
import { absolute, bool, command, duration, isAddress, seconds, wholeNumber } from './keepalived-values.js'
import { type Comments, type Entries, entries, mapOf, put } from './yaml-writer.js'

/** What a checker inherits from its real server, which inherits from its virtual server. Milliseconds. */
export type Timing = {
  readonly interval: number
  readonly timeout: number
  readonly retry?: number
  readonly retryDelay?: number
  readonly virtualhost?: string
  readonly alpha: boolean
}

/** lib/check_api: what a virtual server starts from. */
export const builtInTiming: Timing = { interval: 60_000, timeout: 5000, alpha: false }

/** Takes the timing words of a virtual server, a real server or a checker. */
export function readTiming(block: Block, inherited: Timing, report: Report): Timing {
  const retry = wholeNumber(block.one('retry'), 0, 1_000_000, report) ?? inherited.retry
  const retryDelay = seconds(block.one('delay_before_retry'), 0, 86_400, report) ?? inherited.retryDelay
  const host = block.one('virtualhost')?.args[0] ?? inherited.virtualhost
  return {
    interval: seconds(block.one('delay_loop'), 0.001, 2_592_000, report) ?? inherited.interval,
    timeout: seconds(block.one('connect_timeout'), 0.001, 86_400, report) ?? inherited.timeout,
    alpha: bool(block.one('alpha'), report) ?? inherited.alpha,
    ...(retry === undefined ? {} : { retry }),
    ...(retryDelay === undefined ? {} : { retryDelay }),
    ...(host === undefined ? {} : { virtualhost: host }),
  }
}

/** One check of the YAML, with whether it must pass before the real server is used. */
export type Check = {
  readonly entry: Entries
  readonly alpha: boolean
  readonly node: Node
  readonly comments: Comments
}

export type CheckerContext = {
  readonly timing: Timing
  /** Port of the real server in the YAML: where checks go there by themselves; undefined: there is none. */
  readonly port: number | undefined
  /** Port where keepalived's checks go by themselves. */
  readonly checkPort: number | undefined
  /** Paths of track_file blocks, by name. */
  readonly files: ReadonlyMap<string, string>
  readonly tls: Entries | undefined
  readonly report: Report
}

export const checkerWords = [
  'TCP_CHECK',
  'HTTP_GET',
  'SSL_GET',
  'SMTP_CHECK',
  'DNS_CHECK',
  'MISC_CHECK',
  'UDP_CHECK',
  'PING_CHECK',
  'FILE_CHECK',
] as const

const portless = new Set(['PING_CHECK', 'MISC_CHECK', 'FILE_CHECK'])

type Kind = {
  /** Retries and the time between them (ms) where nobody says. undefined: the interval. */
  readonly retry: number
  readonly retryDelay: number | undefined
  read(block: Block, context: CheckerContext, node: Node): readonly Entries[]
}

// keepalived check_*.c: each checker's own defaults.
const kinds: Readonly<Record<string, Kind>> = {
  TCP_CHECK: { retry: 1, retryDelay: 1000, read: () => [mapOf({ tcp: entries() })] },
  PING_CHECK: { retry: 1, retryDelay: 1000, read: () => [mapOf({ icmp: entries() })] },
  UDP_CHECK: { retry: 1, retryDelay: 1000, read: readUdp },
  SMTP_CHECK: { retry: 1, retryDelay: 1000, read: readSmtp },
  HTTP_GET: { retry: 1, retryDelay: 3000, read: (block, context, node) => httpEntries(block, node, 'http', context) },
  SSL_GET: { retry: 1, retryDelay: 3000, read: (block, context, node) => httpEntries(block, node, 'https', context) },
  DNS_CHECK: { retry: 3, retryDelay: undefined, read: readDns },
  MISC_CHECK: { retry: 0, retryDelay: 1000, read: readMisc },
  FILE_CHECK: { retry: 0, retryDelay: 1000, read: readFile },
}

/** The checks that one checker block becomes: one, or one for each url. */
export function readChecker(node: Node, context: CheckerContext): Check[] {
  const kind = kinds[node.keyword]
  if (!kind) return []
  const { report } = context
  const block = openBlock(node, report)
  const timing = readTiming(block, context.timing, report)
  const target = readTarget(block, context)
  const found = kind.read(block, { ...context, timing }, node)
  block.finish()
  if (!portless.has(node.keyword) && context.port === undefined && !target.pairs.some(({ key }) => key === 'port')) {
    report(
      node,
      'lost',
      'check-without-port',
      'keepalived sends this check to port 0, where it never succeeds.',
      'Left out: say connect_port, or port in the check of the YAML.',
    )
    return []
  }
  const fall = (timing.retry ?? kind.retry) + 1
  const wanted = timing.retryDelay ?? kind.retryDelay ?? timing.interval
  const retryDelay = Math.max(5, Math.min(wanted, timing.interval))
  if (wanted > timing.interval && fall > 1)
    report(
      node,
      'note',
      'retry-delay',
      `keepalived waits ${duration(wanted)} before it tries again, longer than its interval of ${duration(timing.interval)}.`,
      `The YAML tries again after ${duration(retryDelay)}.`,
    )
  return found.map((entry, index) => {
    for (const { key, value } of target.pairs) put(entry, key, value)
    put(entry, 'interval', duration(Math.max(10, timing.interval)))
    if (fall > 1) put(entry, 'fast_interval', duration(retryDelay))
    if (!plainTimeout(entry)) put(entry, 'timeout', duration(timing.timeout))
    // keepalived keeps no idle connection to a real server.
    if (entry.pairs.some(({ key }) => ['tcp', 'http', 'https'].includes(key))) put(entry, 'watch', false)
    put(entry, 'rise', 1)
    put(entry, 'fall', Math.min(1000, fall))
    return { entry, alpha: timing.alpha, node, comments: index === 0 ? blockComments(node) : {} }
  })
}

function plainTimeout(entry: Entries): boolean {
  return entry.pairs.some(({ key }) => key === 'timeout')
}

/** connect_ip, connect_port, fwmark; also inside the old `host` block of SMTP_CHECK. */
function readTarget(block: Block, { report, port, checkPort }: CheckerContext): Entries {
  const target = entries()
  const ip = block.one('connect_ip')
  const own = wholeNumber(block.one('connect_port'), 1, 65_535, report)
  const mark = block.one('fwmark')
  const address = ip?.args[0]
  if (ip && !isAddress(address)) report(ip, 'trap', 'bad-address', 'This is no address.', 'Left out.')
  else put(target, 'address', address, commentsOf(ip))
  const asked = own ?? checkPort
  if (asked !== port) put(target, 'port', asked)
  if (mark && mark.args[0] !== '0')
    report(
      mark,
      'lost',
      'check-mark',
      'Marks the packets of this check, usually to send it the way of the clients.',
      'Write `client_path: true` into the check: lvskeeper sets up marks and services for it by itself.',
    )
  return target
}

function readSmtp(block: Block, context: CheckerContext): readonly Entries[] {
  const helo = block.one('helo_name')?.args[0]
  const result = mapOf({ smtp: mapOf({ helo }) })
  const [host, ...more] = block.all('host')
  if (host) {
    const inner = openBlock(host, context.report)
    for (const { key, value } of readTarget(inner, context).pairs) put(result, key, value)
    inner.finish()
  }
  for (const node of more)
    context.report(node, 'lost', 'second-host', 'A second host of the same check.', 'Write a second check.')
  return [result]
}

function readDns(block: Block): readonly Entries[] {
  const type = block.one('type')?.args[0]
  const name = block.one('name')?.args[0]
  return [mapOf({ dns: mapOf({ name, type: type?.toUpperCase() }) })]
}

function readMisc(block: Block, { report, timing }: CheckerContext, node: Node): readonly Entries[] {
  const path = block.one('misc_path')
  const run = path && command(path, report)
  const limit = block.one('misc_timeout')
  const dynamic = block.one('misc_dynamic')
  const user = block.one('user')
  if (!run) {
    report(node, 'trap', 'no-command', 'A MISC_CHECK without misc_path checks nothing.', 'Left out.')
    return []
  }
  const exec = entries()
  put(
    exec,
    'argv',
    { kind: 'list', items: absolute(run.argv).map(value => ({ value, comments: {} })) },
    commentsOf(path),
  )
  put(exec, 'user', user?.args[0])
  put(exec, 'group', user?.args[1])
  if (dynamic) put(exec, 'exit', 'misc-dynamic', commentsOf(dynamic))
  const result = mapOf({ exec })
  put(result, 'timeout', duration(seconds(limit, 0.001, 86_400, report) ?? timing.interval))
  return [result]
}

function readUdp(block: Block, { report }: CheckerContext): readonly Entries[] {
  const payload = block.one('payload')
  const reply = block.one('require_reply')
  const least = block.one('min_reply_length')
  const most = block.one('max_reply_length')
  const udp = entries()
  const sent = payload && hexOf(payload.args)
  if (payload && sent === undefined) report(payload, 'trap', 'bad-value', 'These are no bytes in hex.', 'Left out.')
  if (sent !== undefined && sent !== '') put(udp, 'send', mapOf({ hex: sent }), commentsOf(payload))
  if (!payload)
    report(
      block.node,
      'note',
      'udp-payload',
      'keepalived sends random bytes.',
      'lvskeeper sends an empty datagram; see `send`.',
    )
  const wanted = reply && hexOf(reply.args)
  if (!reply) put(udp, 'require_reply', false)
  else if (reply.args.length === 0) put(udp, 'require_reply', true, commentsOf(reply))
  else if (wanted !== undefined) {
    put(udp, 'expect', mapOf({ contains: mapOf({ hex: wanted }) }), commentsOf(reply))
    report(
      reply,
      'note',
      'udp-reply',
      'The answer must begin with these bytes.',
      'The YAML looks for them anywhere in the answer.',
    )
  } else {
    put(udp, 'require_reply', true, commentsOf(reply))
    report(
      reply,
      'lost',
      'udp-reply',
      'The answer must match these bytes, x standing for any.',
      'The YAML takes any answer; write `expect: { regex: .. }`.',
    )
  }
  for (const node of [least, most])
    if (node)
      report(
        node,
        'lost',
        'udp-length',
        'Bounds the length of the answer.',
        'Not available; `expect` looks at its content.',
      )
  return [mapOf({ udp })]
}

/** keepalived's free form: `Ab12f 3 456` is AB 12 0F 03 45 06. undefined: something else is in it. */
export function hexOf(words: readonly string[]): string | undefined {
  const all = words.flatMap(word => word.match(/.{1,2}/g) ?? [])
  if (all.some(pair => !/^[0-9a-fA-F]{1,2}$/.test(pair))) return undefined
  return all.map(pair => pair.padStart(2, '0').toLowerCase()).join('')
}

function readFile(block: Block, { report, files }: CheckerContext, node: Node): readonly Entries[] {
  const name = block.one('track_file')
  const weightNode = block.one('weight')
  block.one('dynamic')
  const path = files.get(name?.args[0] ?? '')
  if (path === undefined) {
    report(
      name ?? node,
      'trap',
      'tracked-undefined',
      'No track_file of this name stands above: keepalived ignores this check.',
      'Left out.',
    )
    return []
  }
  const sign = weightNode?.args[1] === 'reverse' ? -1 : 1
  const weight = wholeNumber(weightNode, -2_147_483_647, 2_147_483_647, report)
  if (weight === 0)
    report(
      weightNode ?? node,
      'lost',
      'file-check-zero',
      'Any number but 0 in the file takes the real server out.',
      'Use `file: { path: .., exists: false }`: the file is there when the real server shall go.',
    )
  return [mapOf({ file: mapOf({ path, weight: Math.max(-65_535, Math.min(65_535, sign * (weight ?? 1))) }) })]
}
