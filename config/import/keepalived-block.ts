import type { Report, Severity } from './finding.js'
import { obsolete } from './keepalived-keywords.js'
import type { Node } from './keepalived-parse.js'
import { unsupported } from './keepalived-unsupported.js'
import type { Comments } from './yaml-writer.js'

/** A block that keeps account of what was read: what is left over at the end is reported. */
export type Block = {
  readonly node: Pick<Node, 'file' | 'line' | 'statement' | 'before' | 'children'>
  /** The last statement with this word; earlier ones are reported as overridden. */
  one(keyword: string): Node | undefined
  /** Every statement with this word. */
  all(keyword: string): readonly Node[]
  /** Reports what nobody asked for. */
  finish(): void
}

export function openBlock(node: Block['node'], report: Report): Block {
  const used = new Set<Node>()
  const all = (keyword: string) => {
    const found = node.children.filter(child => child.keyword === keyword)
    for (const child of found) used.add(child)
    return found
  }
  return {
    node,
    all,
    one(keyword) {
      const found = all(keyword)
      const last = found.at(-1)
      for (const child of found.slice(0, -1))
        report(
          child,
          'trap',
          'overridden',
          `Said again in line ${last?.line}; the last one counts.`,
          'The YAML has the last one.',
        )
      return last
    },
    finish() {
      for (const child of node.children) if (!used.has(child)) reportUnsupported(child, report)
    },
  }
}

/** RFC 9568: the multicast groups of VRRP. */
const usualGroups: Readonly<Record<string, readonly string[]>> = {
  vrrp_mcast_group4: ['224.0.0.18'],
  vrrp_mcast_group6: ['ff02::12'],
  mcast_dst_ip: ['224.0.0.18', 'ff02::12'],
}

/** Reports a statement that has no place in the YAML, with what is known about it. */
export function reportUnsupported(node: Node, report: Report): void {
  if (obsolete.has(node.keyword))
    return report(node, 'note', 'obsolete', 'keepalived does nothing on this word any more.', 'Left out.')
  if (node.args.length === 1 && ['0', 'off', 'no', 'false'].includes(node.args[0] ?? ''))
    return report(node, 'note', 'not-needed', 'Switched off.', 'Left out.')
  if (usualGroups[node.keyword]?.includes(node.args[0] ?? ''))
    return report(node, 'note', 'not-needed', 'The group that VRRP uses anyway.', 'Left out.')
  const [severity, meaning, instead]: readonly [Severity, string, string] = unsupported[node.keyword] ?? [
    'lost',
    `lvskeeper has nothing that corresponds to ${node.keyword}.`,
    'Check whether you need it before you migrate.',
  ]
  report(node, severity, severity === 'lost' ? 'not-supported' : 'not-needed', meaning, instead)
}

/** The comments of one statement, for the entry that it became. */
export function commentsOf(node: Node | undefined): Comments {
  return node ? { of: node } : {}
}

/** Those of a block; comments inside it that find no entry of their own stand above it. */
export function blockComments(node: Node): Comments {
  return { of: node, rest: descendants(node) }
}

/** Every statement inside, in order. */
export function descendants(node: Node): readonly Node[] {
  return node.children.flatMap(child => [child, ...descendants(child)])
}
