import { parseEndpoint } from '../resolve/endpoint.js'
import type { Report } from './finding.js'
import { duration, isAddress, safeName } from './keepalived-values.js'
import type { Setting, Virtual } from './ldirectord-parse.js'
import { familyOf, type Lookup, pointOf, type Target, wholeOf } from './ldirectord-target.js'
import { commonForward, draftEntry, fittingServers, prefixOf } from './service-draft.js'
import { append, type Entries, entries, items, mapOf, put } from './yaml-writer.js'

const methods: Readonly<Record<string, 'dr' | 'nat' | 'tun'>> = { gate: 'dr', masq: 'nat', ipip: 'tun' }

export function serviceOf(
  { head, settings: lines }: Virtual,
  settings: Lookup,
  target: Target,
  checks: readonly string[],
  report: Report,
): Entries | undefined {
  const all = lines.filter(({ key }) => /^real6?$/.test(key)).flatMap(line => serverOf(line, target, report) ?? [])
  const servers = fittingServers(all, familyOf(target), head, report)
  if (servers.length === 0) {
    report(head, 'trap', 'no-real-servers', 'There are no valid real servers.', 'Left out.')
    return undefined
  }
  const forward = commonForward(servers.map(one => one.forward))
  const more = entries()
  const scheduler = settings('scheduler')
  const known = /^(rr|wrr|lc|wlc|lblc|lblcr|dh|sh|sed|nq|fo|ovf|mh|twos)$/.test(scheduler?.value ?? 'wrr')
  if (scheduler && !known)
    report(
      scheduler,
      'trap',
      'bad-value',
      'The kernel has no such scheduler.',
      'The YAML has wrr, the default of ldirectord.',
    )
  put(more, 'scheduler', known ? (scheduler?.value ?? 'wrr') : 'wrr')
  const persistent =
    wholeOf(settings('persistent'), report) ?? (target.mark === undefined && target.port === 0 ? 360 : undefined)
  const netmask = prefixOf(settings('netmask')?.value, familyOf(target))
  if (persistent !== undefined)
    put(
      more,
      'persistence',
      netmask === undefined ? duration(persistent * 1000) : mapOf({ timeout: duration(persistent * 1000), netmask }),
    )
  if (settings('ops')?.value === 'yes' && target.protocol === 'udp' && persistent === undefined)
    put(more, 'one_packet', true)
  put(more, 'forward', forward)
  put(more, 'start', 'down')
  // ldirectord(8): quiescent is yes unless it says no.
  if (settings('quiescent')?.value !== 'no') put(more, 'on_down', 'inhibit')
  put(
    more,
    'sorry_server',
    sorryOf(
      settings(head.key === 'virtual6' ? 'fallback6' : 'fallback') ?? settings('fallback'),
      target,
      forward,
      report,
    ),
  )
  const [only] = checks
  if (only === undefined) put(more, 'check', 'none')
  else if (checks.length === 1) put(more, 'check', only)
  else put(more, 'checks', items(checks))
  const list = items()
  for (const { entry, forward: own, place: line } of servers) {
    if (own !== forward) put(entry, 'forward', own)
    append(list, entry, { of: line })
  }
  const { name, address, mark, protocol } = target
  const draft = draftEntry({
    name: safeName(name),
    ...(address === undefined ? {} : { address }),
    ...(mark === undefined ? {} : { mark }),
    protocol,
    settings: more,
    realServers: [],
  })
  put(draft, 'real_servers', list)
  return draft
}

type Server = { readonly entry: Entries; readonly forward: 'dr' | 'nat' | 'tun'; readonly place: Setting }

/** `10.9.0.21->10.9.0.24:80 gate 5 "request", "receive"`. */
function serverOf(line: Setting, target: Target, report: Report): Server | undefined {
  const [, where = '', word = '', weightText, rest] =
    /^(\S+)\s+(gate|masq|ipip)\b(?:\s+(\d+))?\s*(.*)$/.exec(line.value) ?? []
  const [from = '', to] = where.split('->')
  const point = pointOf(to ?? from)
  const forward = methods[word]
  if (!point || !forward) {
    report(
      line,
      'trap',
      'bad-real',
      'ldirectord expects ADDRESS[->ADDRESS]:PORT gate|masq|ipip [WEIGHT] here.',
      'Left out.',
    )
    return undefined
  }
  if (rest)
    report(
      line,
      'lost',
      'own-request',
      `This real server is asked something of its own: ${rest}`,
      'Write a check of its own for it: `check:` inside the real server.',
    )
  const host = to === undefined ? point.host : `${from.replace(/[[\]]/g, '').replace(/:\w+$/, '')}-${point.host}`
  const named = to === undefined && !isAddress(host)
  if (to !== undefined && (!isAddress(point.host) || parseEndpoint(host) === undefined)) {
    report(line, 'trap', 'bad-real', 'A range goes from an address to a higher one.', 'Left out.')
    return undefined
  }
  if (named)
    report(
      line,
      'note',
      'real-by-name',
      'ldirectord looks this name up once, when it starts.',
      'lvskeeper looks it up again every 30 s (dns).',
    )
  const maps = forward === 'nat' && point.port > 0 && point.port !== target.port
  if (forward !== 'nat' && target.mark === undefined && point.port !== target.port && point.port > 0)
    report(
      line,
      'trap',
      'port-forced',
      `${word} cannot map ports: the kernel uses ${target.port}.`,
      'The YAML has no port here.',
    )
  const weight = weightText === undefined ? 1 : Math.min(2_147_483_647, Number(weightText))
  const entry = mapOf({
    [named ? 'dns' : 'address']: host,
    port: maps ? point.port : undefined,
    weight: weight === 1 ? undefined : weight,
  })
  return { entry, forward, place: line }
}

function sorryOf(line: Setting | undefined, target: Target, common: string, report: Report): Entries | undefined {
  if (!line) return undefined
  const [where = '', word] = line.value.split(/\s+/)
  const point = pointOf(where)
  if (!point || !isAddress(point.host)) {
    report(line, 'lost', 'fallback-by-name', 'ldirectord looks this name up.', 'Write the address of the sorry server.')
    return undefined
  }
  const forward = methods[word ?? ''] ?? 'nat'
  const maps = forward === 'nat' && point.port > 0 && point.port !== target.port
  return mapOf({
    address: point.host,
    port: maps ? point.port : undefined,
    forward: forward === common ? undefined : forward,
  })
}
