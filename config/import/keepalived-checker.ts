import { blockComments, openBlock } from './keepalived-block.js'
import { kinds, portless, readTarget } from './keepalived-checker-kinds.js'
import type { Node } from './keepalived-parse.js'
import { type CheckerContext, readTiming } from './keepalived-timing.js'
import { duration } from './keepalived-values.js'
import { type Comments, type Entries, put } from './yaml-writer.js'

/** One check of the YAML, with whether it must pass before the real server is used. */
export type Check = {
  readonly entry: Entries
  readonly alpha: boolean
  readonly node: Node
  readonly comments: Comments
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

/** The checks that one checker block becomes: one, or one for each url. */
export function readChecker(node: Node, context: CheckerContext): Check[] {
  const kind = kinds[node.keyword]
  if (!kind) return []
  const { report } = context
  const block = openBlock(node, report)
  const timing = readTiming(block, context.timing, report, 'lenient')
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
