import { type Block, commentsOf, openBlock } from './keepalived-block.js'
import { httpEntries } from './keepalived-http.js'
import type { Node } from './keepalived-parse.js'
import type { CheckerContext } from './keepalived-timing.js'
import { readUdp } from './keepalived-udp.js'
import { absolute, command, duration, isAddress, seconds, wholeNumber } from './keepalived-values.js'
import { type Entries, entries, mapOf, put } from './yaml-writer.js'

export const portless = new Set(['PING_CHECK', 'MISC_CHECK', 'FILE_CHECK'])

type Kind = {
  /** Retries and the time between them (ms) where nobody says. undefined: the interval. */
  readonly retry: number
  readonly retryDelay: number | undefined
  read(block: Block, context: CheckerContext, node: Node): readonly Entries[]
}

// keepalived check_*.c: each checker's own defaults.
export const kinds: Readonly<Record<string, Kind>> = {
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

/** connect_ip, connect_port, fwmark; also inside the old `host` block of SMTP_CHECK. */
export function readTarget(block: Block, { report, port, checkPort }: CheckerContext): Entries {
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

function readDns(block: Block, { report }: CheckerContext): readonly Entries[] {
  const typeNode = block.one('type')
  const wanted = typeNode?.args[0]?.toUpperCase()
  const type = wanted !== undefined && /^[A-Z][A-Z0-9]*$/.test(wanted) ? wanted : undefined
  if (typeNode && type === undefined)
    report(
      typeNode,
      'trap',
      'bad-value',
      'keepalived knows no such record type and asks for SOA.',
      'The YAML asks for SOA.',
    )
  const name = block.one('name')?.args[0]
  return [mapOf({ dns: mapOf({ name, type }) })]
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
