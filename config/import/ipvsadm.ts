import { parseEndpoint } from '../resolve/endpoint.js'
import { collector, type ImportResult, type Place, type Report } from './finding.js'
import { type Options, readRule, rules, type Server, type Service } from './ipvsadm-rules.js'
import { duration, uniqueNames } from './keepalived-values.js'
import { commonForward, draftEntry, fittingServers, prefixOf, type ServiceDraft } from './service-draft.js'
import { type Entries, entries, items, mapOf, put, writeYaml } from './yaml-writer.js'

/** The rules that `ipvsadm -Sn` (ipvsadm-save -n) prints -> our YAML. Never throws on any text. */
export function importIpvsadm(text: string, file = 'ipvsadm'): ImportResult {
  const { report, findings } = collector()
  const services: Service[] = []
  let readable = false
  for (const rule of rules(text, file)) readable = readRule(rule, services, report) || readable
  if (!readable) {
    const place = { file, line: 1, statement: text.trim().split('\n')[0] ?? '' }
    report(
      place,
      'lost',
      'unreadable',
      'Not one rule of ipvsadm -Sn was found here.',
      'Make the file with: ipvsadm -Sn',
    )
    return { yaml: '', findings, status: 'unreadable' }
  }
  const names = uniqueNames()
  const all = entries()
  for (const service of services) {
    const draft = draftOf(service, report)
    if (draft) put(all, names(draft.name), draftEntry(draft))
  }
  const root = entries()
  if (all.pairs.length > 0) put(root, 'virtual_servers', all)
  const lost = findings.filter(({ severity }) => severity === 'lost')
  const head = [
    `Imported from ${file} (ipvsadm -Sn).`,
    'ipvsadm checks nothing and moves no VIP: add checks, directors and virtual_routers.',
  ]
  return {
    yaml: writeYaml(root, { head, rest: [], last: [] }),
    findings,
    status: lost.length > 0 ? 'partial' : 'complete',
  }
}

function draftOf({ options, place, servers }: Service, report: Report): ServiceDraft | undefined {
  const settings = entries()
  put(settings, 'scheduler', schedulerOf(options, place, report))
  putFlags(settings, options, place, report)
  putPersistence(settings, options, place, report)
  if (options.has('ops')) {
    if ((options.has('udp') || options.has('mark')) && !options.has('persistent')) put(settings, 'one_packet', true)
    else
      report(
        place,
        'trap',
        'ops-udp',
        'One-packet scheduling is for UDP services that are not persistent.',
        'Left out.',
      )
  }
  const whole = servers.filter(server => endpointOf(server) !== undefined)
  for (const server of servers)
    if (!whole.includes(server))
      report(server.place, 'lost', 'bad-address', 'The real server is no address with a port.', 'Left out.')
  const valid = whole.filter(server => possible(server))
  for (const server of whole)
    if (!valid.includes(server))
      report(
        server.place,
        'lost',
        'bad-value',
        'The kernel takes no such weight, threshold or tunnel port.',
        'Left out.',
      )
  const common = commonForward(valid.map(({ options: own }) => forwardOf(own)))
  put(settings, 'forward', common)
  put(settings, 'start', 'up')
  put(settings, 'check', 'none')
  report(
    place,
    'note',
    'no-check',
    'IPVS itself checks nothing: a dead real server keeps its clients.',
    'The YAML has check: none. Write a check, such as check: { tcp: {} }.',
  )
  const [protocol] = ['tcp', 'udp', 'sctp'].filter(name => options.has(name))
  const address = protocol === undefined ? undefined : options.get(protocol)
  const port = address === undefined ? undefined : parseEndpoint(address)?.port
  const mark = options.get('mark')
  if (port === 0 && !options.has('persistent')) {
    report(place, 'lost', 'port-zero', 'Port 0, for all ports, needs -p: the kernel refuses it.', 'Left out.')
    return undefined
  }
  const drafts = valid.map(server => ({
    entry: serverOf(server, common, port, report),
    forward: forwardOf(server.options),
    place: server.place,
  }))
  const fitting = fittingServers(drafts, familyOf(options), place, report)
  if (fitting.length === 0 && drafts.length > 0) return undefined
  return {
    name:
      address === undefined ? `mark-${mark}` : `${protocol}-${address.replace(/[[\]]/g, '').replace(/:(\d+)$/, '-$1')}`,
    ...(address === undefined ? { mark: Number(mark) } : { address }),
    ...(protocol === undefined ? {} : { protocol }),
    family: options.has('six') ? 6 : undefined,
    settings,
    realServers: fitting.map(({ entry }) => entry),
  }
}

function schedulerOf(options: Options, place: Place, report: Report): string {
  const word = options.get('scheduler') ?? 'wlc'
  if (/^(rr|wrr|lc|wlc|lblc|lblcr|dh|sh|sed|nq|fo|ovf|mh|twos)$/.test(word)) return word
  report(place, 'lost', 'bad-value', `The kernel has no scheduler "${word}".`, 'The YAML has wlc.')
  return 'wlc'
}

function putFlags(settings: Entries, options: Options, place: Place, report: Report): void {
  const scheduler = options.get('scheduler') ?? 'wlc'
  const flags = (options.get('flags') ?? '').split(',').filter(Boolean)
  const known = flags
    .filter(flag => flag.startsWith('flag-') || flag.startsWith(`${scheduler}-`))
    .filter(flag => /^(flag-[123]|(sh|mh)-(port|fallback))$/.test(flag))
  if (known.length < flags.length)
    report(
      place,
      'lost',
      'scheduler-flag',
      `Not all of these flags belong to ${scheduler}.`,
      'The YAML has those that do.',
    )
  if (known.length > 0) put(settings, 'scheduler_flags', items(known))
}

function putPersistence(settings: Entries, options: Options, place: Place, report: Report): void {
  const text = options.get('persistent')
  const engine = options.get('engine') === 'sip' && options.has('udp') ? 'sip' : undefined
  if (options.has('engine') && engine === undefined)
    report(place, 'lost', 'bad-value', 'The kernel knows the engine sip only, for UDP.', 'Left out.')
  if (text === undefined) return
  const seconds = Math.max(1, Math.min(31 * 86_400, Number(text)))
  const netmask = prefixOf(options.get('netmask'), familyOf(options))
  const timeout = duration(seconds * 1000)
  put(
    settings,
    'persistence',
    netmask === undefined && engine === undefined ? timeout : mapOf({ timeout, netmask, engine }),
  )
}

function familyOf(options: Options): 4 | 6 | undefined {
  const address = options.get('tcp') ?? options.get('udp') ?? options.get('sctp')
  return address === undefined ? (options.has('six') ? 6 : 4) : address.startsWith('[') ? 6 : 4
}

function forwardOf(options: Options): 'nat' | 'dr' | 'tun' {
  // ipvsadm(8): gatewaying where nothing is said.
  return options.has('nat') ? 'nat' : options.has('tun') ? 'tun' : 'dr'
}

function endpointOf({ options }: Server) {
  const endpoint = parseEndpoint(options.get('server') ?? '')
  return endpoint?.addresses.length === 1 ? endpoint : undefined
}

/** Whether the kernel could hold it: what ipvsadm -S prints always is, what a hand has changed may not be. */
function possible({ options }: Server): boolean {
  const number = (name: string, most: number, least = 0) => {
    const value = Number(options.get(name) ?? least)
    return Number.isInteger(value) && value >= least && value <= most
  }
  const gue = options.has('tun') && options.get('type') === 'gue'
  return (
    number('weight', 2_147_483_647) &&
    ['upper', 'lower'].every(name => number(name, 4_294_967_295)) &&
    (!gue || (options.has('port') && number('port', 65_535, 1)))
  )
}

function serverOf(server: Server, common: string, port: number | undefined, report: Report): Entries {
  const { options, place } = server
  const endpoint = endpointOf(server)
  const forward = forwardOf(options)
  const own = endpoint?.port
  const mapped = forward === 'nat' && own !== undefined && own > 0 && own !== port
  if (forward !== 'nat' && own !== undefined && own !== port && own > 0 && port !== undefined)
    report(
      place,
      'trap',
      'port-forced',
      `${forward} cannot map ports: the kernel uses ${port}.`,
      'The YAML has no port here.',
    )
  const weight = Number(options.get('weight') ?? 1)
  const [upper, lower] = ['upper', 'lower'].map(name => Number(options.get(name) ?? 0))
  return mapOf({
    address: endpoint?.addresses[0],
    port: mapped ? own : undefined,
    weight: weight === 1 || !Number.isInteger(weight) || weight < 0 ? undefined : weight,
    forward: forward === common ? undefined : forward,
    tunnel: forward === 'tun' ? tunnelOf(options) : undefined,
    upper: upper && upper > 0 ? upper : undefined,
    lower: lower && upper && lower > 0 && lower < upper ? lower : undefined,
  })
}

function tunnelOf(options: Options): Entries | undefined {
  const type = options.get('type')
  if (type !== 'gue' && type !== 'gre') return undefined
  const checksum = options.has('remcsum') && type === 'gue' ? 'remcsum' : options.has('csum') ? 'csum' : undefined
  const port = Number(options.get('port'))
  return mapOf({ type, port: type === 'gue' && port > 0 ? port : undefined, checksum })
}
