import { collector, type ImportResult, type Report } from './finding.js'
import { duration, isAddress, safeName, uniqueNames } from './keepalived-values.js'
import { type CheckSettings, ldirectordChecks } from './ldirectord-check.js'
import { type Parsed, parseLdirectord, type Setting, servicePorts, type Virtual } from './ldirectord-parse.js'
import { commonForward, draftEntry, fittingServers, prefixOf } from './service-draft.js'
import { append, type Comments, type Entries, entries, items, mapOf, plain, put, writeYaml } from './yaml-writer.js'

const methods: Readonly<Record<string, 'dr' | 'nat' | 'tun'>> = { gate: 'dr', masq: 'nat', ipip: 'tun' }

/** Words that change nothing in the YAML. */
const quiet: Readonly<Record<string, string>> = {
  autoreload: 'Read again when the file changes: `lvskeeper reload` validates first.',
  logfile: 'lvskeeper logs to the journal.',
  supervised: 'systemd supervises lvskeeper.',
  fork: 'Checks run side by side.',
  comment: 'Text for mails.',
  readdquiescent: 'Drift is always repaired.',
  emailalertstatus: 'See `events` and `level` of the alert.',
}

/** ldirectord.cf -> our YAML. Never throws on any text. */
export function importLdirectord(text: string, file = 'ldirectord.cf'): ImportResult {
  const { report, findings } = collector()
  const parsed = parseLdirectord(text, file, report)
  if (parsed.virtuals.length === 0) {
    const place = { file, line: 1, statement: text.trim().split('\n')[0] ?? '' }
    report(place, 'lost', 'unreadable', 'There is no `virtual=` in this file.', 'Is this an ldirectord.cf?')
    return { yaml: '', findings, status: 'unreadable' }
  }
  const root = emit(parsed, report)
  const every = [...parsed.global, ...parsed.virtuals.flatMap(({ head, settings }) => [head, ...settings])]
  const lost = findings.filter(({ severity }) => severity === 'lost')
  const head = [
    `Imported from ${file}.`,
    'ldirectord moves no VIP: add directors and virtual_routers, or keep what moves them now.',
  ]
  const yaml = writeYaml(root, { head, rest: every, last: parsed.last })
  return { yaml, findings, status: lost.length > 0 ? 'partial' : 'complete' }
}

function emit({ global, virtuals }: Parsed, report: Report): Entries {
  const root = entries()
  const checks = entries()
  const services = entries()
  const names = uniqueNames()
  const checkNames = uniqueNames()
  const known = new Map<string, string>()
  const taken = new Set<string>()
  for (const virtual of virtuals) {
    const settings = settingsOf(global, virtual)
    const target = targetOf(virtual.head, settings, report)
    if (!target) continue
    if (taken.has(target.key)) {
      report(virtual.head, 'trap', 'duplicate-service', 'This virtual server stands above already.', 'Left out.')
      continue
    }
    taken.add(target.key)
    const found = ldirectordChecks(checkSettings(virtual, settings, target, report), report)
    if (!found) {
      report(
        virtual.head,
        'lost',
        'check-off',
        'checktype = off switches the service off: no real server is ever used.',
        'Left out.',
      )
      continue
    }
    const used = found.map(check => {
      const key = JSON.stringify(plain(check))
      const name = known.get(key) ?? checkNames(check.pairs[0]?.key ?? 'check')
      if (!known.has(key)) put(checks, name, check)
      known.set(key, name)
      return name
    })
    const entry = serviceOf(virtual, settings, target, used, report)
    if (entry) put(services, names(target.name), entry, commentsOf(virtual))
  }
  if (checks.pairs.length > 0) put(root, 'checks', checks)
  if (services.pairs.length > 0) put(root, 'virtual_servers', services)
  const mail = mailOf(global, report)
  if (mail) put(root, 'alerts', items([mail]))
  if (find(global, 'cleanstop')?.value !== 'no') put(root, 'on_stop', 'clear')
  reportRest(global, virtuals, report)
  return root
}

/** A word of the virtual itself, else of the top of the file. */
type Lookup = (key: string) => Setting | undefined

function settingsOf(global: readonly Setting[], { settings }: Virtual): Lookup {
  return key => find(settings, key) ?? find(global, key)
}

function find(settings: readonly Setting[], key: string): Setting | undefined {
  return settings.findLast(setting => setting.key === key)
}

type Target = {
  readonly key: string
  readonly name: string
  readonly address?: string
  readonly host: string
  readonly port: number
  readonly mark?: number
  readonly protocol: 'tcp' | 'udp'
}

function targetOf(head: Setting, settings: Lookup, report: Report): Target | undefined {
  const { value } = head
  const protocol =
    settings('protocol')?.value === 'udp' ||
    (/:(53|domain|dns|1812|radius|5060|sip)$/.test(value) && settings('protocol') === undefined)
      ? 'udp'
      : 'tcp'
  if (/^\d+$/.test(value)) {
    const mark = Number(value)
    if (mark > 0 && mark <= 4_294_967_295)
      return { key: `mark ${mark}`, name: `mark-${mark}`, mark, host: value, port: 0, protocol }
  }
  const point = pointOf(value)
  if (point && isAddress(point.host))
    return {
      key: `${protocol} ${point.host} ${point.port}`,
      name: `${protocol}-${point.host}-${point.port}`,
      address: endpoint(point.host, point.port),
      host: point.host,
      port: point.port,
      protocol,
    }
  report(
    head,
    'lost',
    'virtual-by-name',
    'ldirectord looks this name up when it starts.',
    'Write the address: lvskeeper takes no names for virtual servers.',
  )
  return undefined
}

/** `10.9.0.100:80`, `[fd00:9::100]:http`, `backend1:http`; port 0 where none is written. */
function pointOf(text: string): { host: string; port: number } | undefined {
  const [, bracketed, plainHost, portText = '0'] = /^(?:\[([^\]]+)\]|([^:\s]+))(?::([\w-]+))?$/.exec(text) ?? []
  const host = bracketed ?? plainHost
  const port = /^\d+$/.test(portText) ? Number(portText) : servicePorts[portText]
  return host === undefined || port === undefined || port > 65_535 ? undefined : { host, port }
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Where checks of a mark (or of all ports) go: to the port of the first real server that has one. */
function realPort({ settings }: Virtual): number {
  const ports = settings.flatMap(({ key, value }) =>
    /^real6?$/.test(key) ? (pointOf(value.split(/\s|->/)[0] ?? '')?.port ?? 0) : [],
  )
  return ports.find(port => port > 0) ?? 80
}

function checkSettings(virtual: Virtual, settings: Lookup, target: Target, report: Report): CheckSettings {
  const { head } = virtual
  const number = (key: string, fallback: number) => wholeOf(settings(key), report) ?? fallback
  const word = (key: string) => unquote(settings(key)?.value)
  const timeout = wholeOf(settings('checktimeout'), report)
  // ldirectord(8): negotiatetimeout 30, checktimeout 5, checkinterval 10, failurecount 1.
  return {
    place: settings('checktype') ?? head,
    type: settings('checktype')?.value ?? 'negotiate',
    service: word('service'),
    command: word('checkcommand'),
    port: wholeOf(settings('checkport'), report) ?? (target.port === 0 ? realPort(virtual) : undefined),
    request: word('request'),
    receive: word('receive'),
    method: word('httpmethod'),
    host: word('virtualhost'),
    login: word('login'),
    password: word('passwd'),
    database: word('database'),
    interval: number('checkinterval', 10),
    checkTimeout: timeout ?? 5,
    negotiateTimeout: number('negotiatetimeout', timeout ?? 30),
    failures: number('failurecount', 1),
    virtualAddress: target.host,
    virtualPort: target.port,
  }
}

function wholeOf(setting: Setting | undefined, report: Report): number | undefined {
  if (!setting) return undefined
  const value = Number(setting.value)
  if (Number.isInteger(value) && value >= 1 && value <= 86_400) return value
  report(setting, 'trap', 'bad-value', 'ldirectord wants a whole number above 0 here.', 'The YAML has its default.')
  return undefined
}

function unquote(text: string | undefined): string | undefined {
  return text?.replace(/^"(.*)"$/, '$1').replace(/^'(.*)'$/, '$1')
}

function commentsOf({ head, settings }: Virtual): Comments {
  return { of: head, rest: settings.filter(({ key }) => !/^real6?$/.test(key)) }
}

function serviceOf(
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

function familyOf({ address }: Target): 4 | 6 | undefined {
  return address === undefined ? undefined : address.startsWith('[') ? 6 : 4
}

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
  if (to !== undefined && !isAddress(point.host)) {
    report(line, 'trap', 'bad-real', 'A range goes from address to address.', 'Left out.')
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

function mailOf(global: readonly Setting[], report: Report): Entries | undefined {
  const to = find(global, 'emailalert')
  const from = unquote(find(global, 'emailalertfrom')?.value) ?? ''
  const smtp = find(global, 'smtp')
  const addresses = (unquote(to?.value) ?? '').split(/[\s,]+/).filter(address => /^[^\s@]+@[^\s@]+$/.test(address))
  if (!to) return undefined
  if (addresses.length === 0) {
    report(to, 'lost', 'mail-address', 'A local user without a host.', 'Write a whole address: user@host.')
    return undefined
  }
  if (!smtp)
    report(
      to,
      'note',
      'mail-host',
      'ldirectord hands mail to the local sendmail.',
      'The YAML sends it to the mail server of this machine, 127.0.0.1.',
    )
  const repeat = wholeOf(find(global, 'emailalertfreq'), report)
  const mail = mapOf({
    to: items(addresses),
    from: /^[^\s@]+@[^\s@]+$/.test(from) ? from : 'lvskeeper@localhost',
    host: smtp?.value || '127.0.0.1',
    tls: 'none',
  })
  return mapOf({
    mail,
    events: items(['server.*']),
    repeat: repeat === undefined ? undefined : duration(repeat * 1000),
  })
}

const used = new Set(
  'checktype service checkcommand checkport request receive httpmethod virtualhost login passwd database checkinterval checktimeout negotiatetimeout failurecount scheduler persistent netmask ops protocol quiescent fallback fallback6 real real6 cleanstop emailalert emailalertfrom emailalertfreq smtp'.split(
    ' ',
  ),
)

const lostWords: Readonly<Record<string, readonly [meaning: string, instead: string]>> = {
  callback: [
    'A program that copies the file to the other director.',
    'lvskeeper compares the files of both directors and says when they differ.',
  ],
  execute: ['Another ldirectord is started for another file.', 'Use include: in one file.'],
  fallbackcommand: [
    'A program that runs when the sorry server begins and ends.',
    'Write an alert with exec and events: [service.down, service.up].',
  ],
  maintenancedir: [
    'A file named as a real server takes it out.',
    'Use `lvskeeper maint`, or a check: file: { path: /etc/lvs/maint/{address}, exists: false }.',
  ],
  monitorfile: ['A log of its own for one service.', 'Use `lvskeeper events` with a subject.'],
  load: ['A program that asks for the load.', 'Use an agent check.'],
  secret: ['Secret of a RADIUS check.', 'Write the check as exec.'],
  checkcount: ['Attempts of a ping.', 'Use `count` of the icmp check.'],
}

function reportRest(global: readonly Setting[], virtuals: readonly Virtual[], report: Report): void {
  for (const setting of [...global, ...virtuals.flatMap(({ settings }) => settings)]) {
    if (used.has(setting.key)) continue
    const known = lostWords[setting.key]
    const harmless = quiet[setting.key]
    if (harmless !== undefined) report(setting, 'note', 'not-needed', `${setting.key} has no counterpart.`, harmless)
    else if (known) report(setting, 'lost', 'not-supported', known[0], known[1])
    else if (setting.key !== 'servicename')
      report(
        setting,
        'trap',
        'unknown-word',
        'ldirectord does not know this word and stops with an error.',
        'Left out.',
      )
  }
}
