import type { Report } from './finding.js'
import { commentsOf } from './keepalived-block.js'
import type { Node } from './keepalived-parse.js'
import { isAddress } from './keepalived-values.js'
import { append, type Entries, entries, type Items, items, plain, put } from './yaml-writer.js'

/** virtual_routes: the part of `ip route` that the YAML has; the whole line is reported when it says more. */
export function readRoutes(lists: readonly Node[], report: Report): Items | undefined {
  return readLines(lists, node => readLine(node, routeWords, routeEntry), 'route', report)
}

/** virtual_rules: the part of `ip rule` that the YAML has. */
export function readRules(lists: readonly Node[], report: Report): Items | undefined {
  return readLines(lists, node => readLine(node, ruleWords, ruleEntry), 'rule', report)
}

const routeWords: Readonly<Record<string, string>> = {
  to: 'destination',
  via: 'via',
  gw: 'via',
  dev: 'interface',
  oif: 'interface',
  src: 'source',
  table: 'table',
  metric: 'metric',
  priority: 'metric',
  preference: 'metric',
}

const ruleWords: Readonly<Record<string, string>> = {
  from: 'from',
  to: 'to',
  fwmark: 'mark',
  iif: 'interface',
  dev: 'interface',
  table: 'table',
  lookup: 'table',
  priority: 'preference',
  preference: 'preference',
  pref: 'preference',
  order: 'preference',
}

function readLines(
  lists: readonly Node[],
  read: (node: Node) => Entries | string,
  what: string,
  report: Report,
): Items | undefined {
  const result = items()
  const seen = new Set<string>()
  for (const node of lists.flatMap(list => [...list.children])) {
    const entry = read(node)
    if (typeof entry === 'string')
      report(
        node,
        'lost',
        `virtual-${what}`,
        `This ${what} moves with the VIPs; ${entry}.`,
        `Write it in the simple form, or set it in a program that an alert starts.`,
      )
    else if (seen.has(JSON.stringify(plain(entry))))
      report(node, 'trap', 'duplicate-line', `This ${what} stands here already.`, 'Left out.')
    else {
      seen.add(JSON.stringify(plain(entry)))
      append(result, entry, commentsOf(node))
    }
  }
  return result.items.length > 0 ? result : undefined
}

type Words = Map<string, string>

function readLine(
  node: Node,
  words: Readonly<Record<string, string>>,
  make: (found: Words) => Entries | string,
): Entries | string {
  const found: Words = new Map()
  for (let i = 0; i < node.args.length; i++) {
    const word = node.args[i] ?? ''
    if (word === 'no_track') continue
    const key = Object.hasOwn(words, word) ? words[word] : undefined
    const value = node.args[i + 1]
    if (key !== undefined && value !== undefined && !found.has(key)) {
      found.set(key, value)
      i++
    } else if (
      words === routeWords &&
      !found.has('destination') &&
      (word === 'default' || isAddress(word.split('/')[0]))
    )
      found.set('destination', word)
    else return `lvskeeper has nothing for "${word}"`
  }
  return make(found)
}

function routeEntry(found: Words): Entries | string {
  const text = found.get('destination') ?? 'default'
  const destination = text === '0.0.0.0/0' || text === '::/0' ? 'default' : text
  const table = tableOf(found.get('table'))
  if (Number.isNaN(table)) return `the table "${found.get('table')}" has a name, lvskeeper wants its number`
  const metric = found.get('metric')
  if (metric !== undefined && !/^\d+$/.test(metric)) return `"${metric}" is no metric`
  const entry = entries()
  put(entry, 'destination', destination)
  for (const key of ['via', 'interface', 'source']) put(entry, key, found.get(key))
  put(entry, 'table', table)
  put(entry, 'metric', metric === undefined ? undefined : Number(metric))
  return entry
}

function ruleEntry(found: Words): Entries | string {
  const table = tableOf(found.get('table'))
  if (table === undefined) return 'it looks up no table'
  if (Number.isNaN(table)) return `the table "${found.get('table')}" has a name, lvskeeper wants its number`
  const entry = entries()
  for (const key of ['from', 'to']) {
    const value = found.get(key)
    if (value !== undefined && value !== 'all') put(entry, key, value)
  }
  const numbers = { mark: found.get('mark'), preference: found.get('preference') }
  for (const [key, value] of Object.entries(numbers)) {
    if (value !== undefined && !/^(0x[0-9a-fA-F]+|\d+)$/.test(value)) return `"${value}" is no plain number`
    put(entry, key, value === undefined ? undefined : Number(value))
  }
  put(entry, 'interface', found.get('interface'))
  put(entry, 'table', table)
  return entry
}

/** NaN: a name that only /etc/iproute2 knows. */
function tableOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  return { main: 254, default: 253, local: 255 }[text] ?? (/^\d+$/.test(text) ? Number(text) : Number.NaN)
}
