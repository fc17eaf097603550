import type { Report } from './finding.js'
import { commentsOf, openBlock } from './keepalived-block.js'
import type { Node } from './keepalived-parse.js'
import { bool, duration, interfaceOf, isAddress, seconds, wholeNumber } from './keepalived-values.js'
import { type Entries, entries, items, put } from './yaml-writer.js'

/** What `global_defs` says, where it matters to the rest of the file. Milliseconds. */
export type Globals = {
  readonly routerId?: string
  readonly version: 2 | 3
  readonly garp: Garp
  readonly downTimerAdverts: number
  readonly strict: boolean
  readonly checksumAsV2: boolean
  readonly scriptUser?: { readonly user: string; readonly group?: string }
  readonly mail?: {
    readonly nodes: readonly Node[]
    readonly to: readonly string[]
    readonly from: string
    readonly server: string
    readonly port?: number
  }
  /** Default of smtp_alert, for routers and for services (undefined: keepalived's own default). */
  readonly mailRouters: boolean
  readonly mailServices: boolean | undefined
  /** Entries at the top of the YAML: timeouts, on_stop. */
  readonly top: Entries
  readonly sync?: {
    readonly node: Node
    readonly interface: string
    readonly instance?: string
    readonly options: Entries
  }
}

/** lib/vrrp_garp.h, vrrp.h: GARP counts and times. */
export type Garp = {
  readonly repeat: number
  readonly delay: number
  readonly refresh: number
  readonly refreshRepeat: number
  readonly lowerRepeat?: number
  readonly lowerDelay?: number
  /** vrrp_garp_interval, vrrp_gna_interval: global in keepalived. */
  readonly interval?: number
  readonly neighbourInterval?: number
}

/** Reads every `global_defs` block as one: keepalived merges them, wherever they stand. */
export function readGlobals(root: readonly Node[], report: Report): Globals {
  const blocks = root.filter(node => node.keyword === 'global_defs')
  const [first] = blocks
  const place = first ?? { file: '', line: 0, statement: '', before: [] }
  const block = openBlock({ ...place, children: blocks.flatMap(node => [...node.children]) }, report)
  const routerId = block.one('router_id')
  if (routerId)
    report(
      routerId,
      'note',
      'router-id',
      'Names this machine in the subject of mails.',
      'Alerts carry the name of the director.',
    )
  const min = bool(block.one('vrrp_min_garp'), report)
  const garp: Garp = {
    ...readGarp(
      key => block.one(`vrrp_${key}`),
      min ? { repeat: 1, delay: 0, refresh: 0, refreshRepeat: 1 } : defaultGarp,
      report,
    ),
  }
  const interval = seconds(block.one('vrrp_garp_interval'), 0, 60, report) ?? 0
  const neighbourInterval = seconds(block.one('vrrp_gna_interval'), 0, 60, report) ?? 0
  const user = block.one('script_user')
  const mail = readMail(block, report)
  const sync = readSync(block.one('lvs_sync_daemon'), report)
  const all = bool(block.one('smtp_alert'), report)
  const top = readTop(block, report)
  const version = wholeNumber(block.one('vrrp_version'), 2, 3, report) === 3 ? 3 : 2
  const strict = bool(block.one('vrrp_strict'), report) ?? false
  const checksumAsV2 = bool(block.one('v3_checksum_as_v2'), report) ?? false
  const downTimerAdverts = wholeNumber(block.one('vrrp_down_timer_adverts'), 1, 100, report) ?? 3
  const mailRouters = bool(block.one('smtp_alert_vrrp'), report) ?? all ?? false
  const mailServices = bool(block.one('smtp_alert_checker'), report) ?? all
  block.finish()
  return {
    ...(routerId?.args[0] === undefined ? {} : { routerId: routerId.args[0] }),
    ...{
      version,
      garp: { ...garp, interval, neighbourInterval },
      downTimerAdverts,
      strict,
      checksumAsV2,
      mailRouters,
      mailServices,
    },
    ...(user?.args[0] === undefined
      ? {}
      : { scriptUser: { user: user.args[0], ...(user.args[1] === undefined ? {} : { group: user.args[1] }) } }),
    ...(mail ? { mail } : {}),
    top,
    ...(sync ? { sync } : {}),
  }
}

const defaultGarp: Garp = { repeat: 5, delay: 5000, refresh: 0, refreshRepeat: 1 }

/** The six garp words, global (with `vrrp_` in front) or of one instance. */
export function readGarp(one: (key: string) => Node | undefined, defaults: Garp, report: Report): Garp {
  const delay = seconds(one('garp_master_delay'), 0, 86_400, report) ?? defaults.delay
  const repeat = wholeNumber(one('garp_master_repeat'), 0, 100, report) ?? defaults.repeat
  const refresh = seconds(one('garp_master_refresh'), 0, 86_400, report) ?? defaults.refresh
  const refreshRepeat = wholeNumber(one('garp_master_refresh_repeat'), 1, 100, report) ?? defaults.refreshRepeat
  const lowerRepeat = wholeNumber(one('garp_lower_prio_repeat'), 0, 100, report) ?? defaults.lowerRepeat
  const lowerDelay = seconds(one('garp_lower_prio_delay'), 0, 86_400, report) ?? defaults.lowerDelay
  return {
    ...{ delay, repeat, refresh, refreshRepeat },
    ...(lowerRepeat === undefined ? {} : { lowerRepeat }),
    ...(lowerDelay === undefined ? {} : { lowerDelay }),
    ...(defaults.interval ? { interval: defaults.interval } : {}),
    ...(defaults.neighbourInterval ? { neighbourInterval: defaults.neighbourInterval } : {}),
  }
}

type OpenBlock = ReturnType<typeof openBlock>

function readMail(block: OpenBlock, report: Report): Globals['mail'] {
  const lists = block.all('notification_email')
  const to = lists.flatMap(node => node.children.flatMap(child => child.args.slice(0, 1)))
  const from = block.one('notification_email_from')
  const server = block.one('smtp_server')
  const valid = [...new Set(to)].filter(address => /^[^\s@]+@[^\s@]+$/.test(address))
  for (const node of lists.flatMap(list => list.children))
    if (!valid.includes(node.args[0] ?? ''))
      report(node, 'trap', 'bad-mail-address', 'This is no mail address of the form name@host.', 'Left out.')
  const host = server?.args[0]
  if (host === undefined || valid.length === 0) {
    const node = server ?? lists[0]
    if (node)
      report(
        node,
        'trap',
        'no-mail',
        'keepalived sends mail only with both smtp_server and notification_email.',
        'The YAML sends none either.',
      )
    return undefined
  }
  const port = server?.args[1]
  const sender = from?.args[0] ?? ''
  return {
    to: valid,
    from: /^[^\s@]+@[^\s@]+$/.test(sender) ? sender : 'lvskeeper@localhost',
    server: host,
    ...(port !== undefined && /^\d+$/.test(port) && Number(port) > 0 && Number(port) < 65_536
      ? { port: Number(port) }
      : {}),
    nodes: [...lists, ...(server ? [server] : [])],
  }
}

function readTop(block: OpenBlock, report: Report): Entries {
  const top = entries()
  const node = block.one('lvs_timeouts')
  const timeouts = entries()
  const words = node?.args ?? []
  for (let i = 0; i < words.length; i += 2) {
    const key = { tcp: 'tcp', tcpfin: 'tcp_fin', udp: 'udp' }[words[i] ?? '']
    const value = Number(words[i + 1])
    if (key !== undefined && Number.isInteger(value) && value > 0 && value <= 31 * 86_400)
      put(timeouts, key, duration(value * 1000))
    else if (node) {
      report(
        node,
        'trap',
        'bad-value',
        'keepalived expects tcp N, tcpfin N, udp N (seconds) here.',
        'What is wrong was left out.',
      )
      break
    }
  }
  if (timeouts.pairs.length > 0) put(top, 'timeouts', timeouts, commentsOf(node))
  const onStop = block.one('lvs_flush_on_stop')
  if (onStop)
    report(
      onStop,
      'note',
      'on-stop',
      'Empties the table when keepalived stops.',
      'on_stop: clear removes what lvskeeper owns, and nothing else.',
    )
  return top
}

function readSync(node: Node | undefined, report: Report): Globals['sync'] {
  const [name, ...rest] = node?.args ?? []
  if (!node || interfaceOf(node, name, report) === undefined || name === undefined) return undefined
  const options = entries()
  const keys: Readonly<Record<string, string>> = {
    id: 'id',
    maxlen: 'max_length',
    port: 'port',
    ttl: 'ttl',
    group: 'group',
  }
  let instance: string | undefined
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] ?? ''
    const key = keys[word]
    if (key === undefined && word !== 'inst' && instance === undefined) instance = word
    else if (word === 'inst') instance = rest[++i]
    else if (key !== undefined) {
      const value = rest[++i] ?? ''
      if (key === 'group' ? isAddress(value) : /^\d+$/.test(value))
        put(options, key, key === 'group' ? value : key === 'max_length' ? `${Number(value)}B` : Number(value))
      else report(node, 'trap', 'bad-value', `This is no value for ${word}.`, 'Left out.')
    }
  }
  if (instance !== undefined)
    report(
      node,
      'note',
      'sync-roles',
      'keepalived starts the master or the backup daemon, as the instance is.',
      'lvskeeper runs both on every director, so that no role has to change in a failover.',
    )
  return { node, interface: name, ...(instance === undefined ? {} : { instance }), options }
}

/** `alerts:` entry for mail, or undefined. */
export function mailEntry(mail: NonNullable<Globals['mail']>): Entries {
  const entry = entries()
  put(entry, 'to', items(mail.to))
  put(entry, 'from', mail.from)
  put(entry, 'host', mail.server)
  put(entry, 'port', mail.port)
  put(entry, 'tls', 'none')
  return entry
}
