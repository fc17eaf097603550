import { parseCidr } from '../schema/values.js'
import type { Report } from './finding.js'
import { commentsOf } from './keepalived-block.js'
import type { Node } from './keepalived-parse.js'
import { interfaceNames, isAddress } from './keepalived-values.js'
import { append, type Entries, entries, type Items, items, plain, put } from './yaml-writer.js'

/** virtual_routes: the part of `ip route` that the YAML has; the whole line is reported when it says more. */
export function readRoutes(lists: readonly Node[], report: Report): Items | undefined {
  return readLines(lists, node => readLine(node, routeWords, routeEntry), 'route', report)
}

/** virtual_rules: the part of `ip rule` that the YAML has. */
export function readRules(
  lists: readonly Node[],
  preferences: ReadonlyMap<Node, number>,
  report: Report,
): Items | undefined {
  return readLines(
    lists,
    node => {
      const preference = preferences.get(node)
      const entry = readLine(node, ruleWords, found => ruleEntry(found, preference))
      if (preference !== undefined && typeof entry !== 'string')
        report(
          node,
          'note',
          'rule-preference',
          `Without a preference keepalived counts down from 16384: this rule has ${preference}.`,
          'The YAML has this number.',
        )
      return entry
    },
    'rule',
    report,
  )
}

/** vrrp_iprule.c: rules that say no preference get one, counted down from 16384 for each family through the whole file. */
export function rulePreferences(root: readonly Node[]): ReadonlyMap<Node, number> {
  const found = new Map<Node, number>()
  const next = { 4: 16_384, 6: 16_384 }
  const lists = root.flatMap(node =>
    node.keyword === 'static_rules' ? [node] : node.children.filter(child => child.keyword === 'virtual_rules'),
  )
  for (const node of lists.flatMap(list => [...list.children])) {
    if (node.args.some(word => ruleWords[word] === 'preference')) continue
    found.set(node, next[node.args.some(word => word.includes(':')) ? 6 : 4]--)
  }
  return found
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
    if (node.args.includes('no_track'))
      report(node, 'note', 'not-needed', 'Is not put back when somebody removes it.', 'lvskeeper puts it back.')
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
  if (metric !== undefined && !isNumber(metric)) return `"${metric}" is no metric`
  const bad = [
    ...(destination === 'default' || parseCidr(destination) ? [] : [destination]),
    ...['via', 'source'].flatMap(key => found.get(key) ?? []).filter(value => !isAddress(value)),
    ...noInterface(found),
  ]
  if (bad[0] !== undefined) return `"${bad[0]}" cannot stand here`
  const entry = entries()
  put(entry, 'destination', destination)
  for (const key of ['via', 'interface', 'source']) put(entry, key, found.get(key))
  put(entry, 'table', table)
  put(entry, 'metric', metric === undefined ? undefined : Number(metric))
  return entry
}

function ruleEntry(found: Words, preference: number | undefined): Entries | string {
  const table = tableOf(found.get('table'))
  if (table === undefined) return 'it looks up no table'
  if (Number.isNaN(table)) return `the table "${found.get('table')}" has a name, lvskeeper wants its number`
  const entry = entries()
  for (const key of ['from', 'to']) {
    const value = found.get(key)
    if (value === undefined || value === 'all') continue
    if (!parseCidr(value)) return `"${value}" cannot stand here`
    put(entry, key, value)
  }
  for (const value of noInterface(found)) return `"${value}" cannot stand here`
  const numbers = { mark: found.get('mark'), preference: found.get('preference') ?? preference?.toString() }
  for (const [key, value] of Object.entries(numbers)) {
    if (value !== undefined && !isNumber(value)) return `"${value}" is no plain number`
    put(entry, key, value === undefined ? undefined : Number(value))
  }
  put(entry, 'interface', found.get('interface'))
  put(entry, 'table', table)
  return entry
}

/** NaN: a name that only /etc/iproute2 knows, or a number that no table has. */
function tableOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  return (
    { main: 254, default: 253, local: 255 }[text] ?? (isNumber(text) && Number(text) > 0 ? Number(text) : Number.NaN)
  )
}

/** 32 bits, decimal or hexadecimal. */
function isNumber(text: string): boolean {
  return /^(0x[0-9a-fA-F]+|\d+)$/.test(text) && Number(text) <= 0xffff_ffff
}

/** The word that stands where an interface should, if it cannot be the name of one. */
function noInterface(found: Words): string[] {
  const name = found.get('interface')
  return name === undefined || interfaceNames.test(name) ? [] : [name]
}
