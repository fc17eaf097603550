import type { Report } from './finding.js'
import type { Node } from './keepalived-parse.js'
import { endpoint, isAddress, portNumber } from './keepalived-values.js'

/** What one virtual_server_group (or a virtual_server's own header) listens on. */
export type Target =
  | {
      readonly kind: 'address'
      readonly text: string
      readonly family: 4 | 6
      readonly port: number
      readonly count: number
      readonly first: bigint
      readonly node: Node
    }
  | { readonly kind: 'mark'; readonly mark: number; readonly family?: 4 | 6; readonly node: Node }

/** The lines of a virtual_server_group (of all blocks with its name): addresses, ranges, networks, firewall marks. */
export function readGroup(nodes: readonly Node[], report: Report): Target[] {
  const seen = new Set<string>()
  const all = nodes.flatMap(node => node.children.flatMap(child => readLine(child, report) ?? []))
  const [plain] = all.filter(target => target.kind === 'mark' && target.family === undefined)
  if (plain && [4, 6].every(family => all.some(target => target.family === family))) {
    const meaning = 'A group of both families cannot have a mark without one: keepalived drops the whole group.'
    report(plain.node, 'trap', 'group-families', meaning, 'Left out: write inet or inet6 behind the mark.')
    return []
  }
  return all.filter(target => {
    const keys = targetKeys(target)
    const twice = keys.some(key => seen.has(key))
    for (const key of keys) seen.add(key)
    if (twice) report(target.node, 'trap', 'duplicate-line', 'Stands in this group already.', 'Left out.')
    return !twice
  })
}

/** One key for each kernel service that this becomes. */
export function targetKeys(target: Target): readonly string[] {
  if (target.kind === 'mark') return [`mark ${target.mark} ${target.family ?? ''}`]
  const { first, count, port, family } = target
  return Array.from({ length: count }, (_, index) => `${fromNumber(first + BigInt(index), family === 6)} ${port}`)
}

function readLine(node: Node, report: Report): Target | undefined {
  const [first = '', second, third] = node.args
  if (first === 'fwmark') return readMark(node, second, third, report)
  const port = portNumber(node, second, report) ?? 0
  const range = rangeOf(first)
  if (range === undefined || !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    report(
      node,
      'trap',
      'bad-address',
      'keepalived takes this for no address, range or port and skips the line.',
      'Left out.',
    )
    return undefined
  }
  if (range.count > 4096) {
    report(
      node,
      'lost',
      'range-too-long',
      `${range.count} addresses: keepalived makes a service of each.`,
      'At most 4096 in one range; use a firewall mark (`mark:`) for whole networks.',
    )
    return undefined
  }
  const text = range.text.includes(':') ? `[${range.text}]:${port}` : `${range.text}:${port}`
  return {
    kind: 'address',
    text,
    family: first.includes(':') ? 6 : 4,
    port,
    count: range.count,
    first: range.first,
    node,
  }
}

function readMark(
  node: Node,
  text: string | undefined,
  family: string | undefined,
  report: Report,
): Target | undefined {
  const mark = Number(text)
  if (!(Number.isInteger(mark) && mark > 0 && mark <= 4_294_967_295)) {
    report(node, 'trap', 'bad-value', 'This is no firewall mark.', 'Left out.')
    return undefined
  }
  const kind = family === 'inet6' ? 6 : family === 'inet' ? 4 : undefined
  return { kind: 'mark', mark, node, ...(kind === undefined ? {} : { family: kind }) }
}

/** The header of a virtual_server without a group. */
export function readHeader(node: Node, report: Report): Target | undefined {
  const [address = '', portText] = node.args
  if (address === 'fwmark') return readMark(node, portText, undefined, report)
  const port = portNumber(node, portText, report) ?? 0
  if (!isAddress(address) || !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    report(
      node,
      'trap',
      'bad-address',
      'keepalived takes literal addresses and numbers of ports only: it skips this virtual server.',
      'Left out.',
    )
    return undefined
  }
  return {
    kind: 'address',
    text: endpoint(address, port),
    family: address.includes(':') ? 6 : 4,
    port,
    count: 1,
    first: toNumber(address),
    node,
  }
}

/** `a`, `a-b`, `a-LAST`, `a/len` as lvskeeper writes ranges. */
function rangeOf(text: string): { text: string; count: number; first: bigint } | undefined {
  const [from = '', to, more] = text.split('-')
  if (more !== undefined) return undefined
  const [address = '', length] = from.split('/')
  if (!isAddress(address)) return undefined
  const low = toNumber(address)
  const v6 = address.includes(':')
  if (length !== undefined) {
    const bits = v6 ? 128 : 32
    const prefix = Number(length)
    if (!(Number.isInteger(prefix) && prefix >= 0 && prefix <= bits) || to !== undefined) return undefined
    const size = 1n << BigInt(bits - prefix)
    const start = low - (low % size)
    return { text: `${fromNumber(start, v6)}-${fromNumber(start + size - 1n, v6)}`, count: Number(size), first: start }
  }
  if (to === undefined) return { text: address, count: 1, first: low }
  const whole = isAddress(to) ? to : v6 ? address.replace(/[^:]*$/, to) : address.replace(/\d+$/, to)
  if (!isAddress(whole) || whole.includes(':') !== v6) return undefined
  const count = toNumber(whole) - low + 1n
  return count >= 1n ? { text: `${address}-${whole}`, count: Number(count), first: low } : undefined
}

function toNumber(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const plain = dotted
    ? `${address.slice(0, dotted.index)}${hex16(dotted[1], dotted[2])}:${hex16(dotted[3], dotted[4])}`
    : address
  const [head = '', tail] = plain.split('::')
  const left = head.split(':').filter(part => part !== '')
  const right = (tail ?? '').split(':').filter(part => part !== '')
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return [...left, ...zeros, ...right].reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n)
}

function hex16(high: string | undefined, low: string | undefined): string {
  return (Number(high) * 256 + Number(low)).toString(16)
}

function fromNumber(value: bigint, v6: boolean): string {
  if (!v6) return [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 255n).join('.')
  return Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16)).join(':')
}
