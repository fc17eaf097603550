import { collector, type ImportResult, type Report } from './finding.js'
import { duration, uniqueNames } from './keepalived-values.js'
import { type CheckSettings, ldirectordChecks } from './ldirectord-check.js'
import { type Parsed, parseLdirectord, type Setting, serviceOfPort, type Virtual } from './ldirectord-parse.js'
import { ofVirtual, reportRest } from './ldirectord-rest.js'
import { serviceOf } from './ldirectord-service.js'
import { find, type Lookup, pointOf, type Target, targetOf, unquote, wholeOf } from './ldirectord-target.js'
import { type Comments, type Entries, entries, items, mapOf, plain, put, writeYaml } from './yaml-writer.js'

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
    const entry = serviceOf(virtual, settings, target, [...new Set(used)], report)
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

function settingsOf(global: readonly Setting[], { settings }: Virtual): Lookup {
  return key => find(settings, key) ?? (ofVirtual.has(key) ? undefined : find(global, key))
}

/** Where checks of a mark (or of all ports) go: to the port of the first real server that has one. */
function realPort({ settings }: Virtual, service: string | undefined): number {
  const ports = settings.flatMap(({ key, value }) =>
    /^real6?$/.test(key) ? (pointOf(value.split(/\s|->/)[0] ?? '')?.port ?? 0) : [],
  )
  const [usual] = Object.entries(serviceOfPort).find(([, name]) => name === service) ?? []
  return ports.find(port => port > 0) ?? Number(usual ?? 80)
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
    port:
      wholeOf(settings('checkport'), report) ?? (target.port === 0 ? realPort(virtual, word('service')) : undefined),
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
    udp: target.protocol === 'udp',
  }
}

function commentsOf({ head, settings }: Virtual): Comments {
  return { of: head, rest: settings.filter(({ key }) => !/^real6?$/.test(key)) }
}

function mailOf(global: readonly Setting[], report: Report): Entries | undefined {
  const to = find(global, 'emailalert')
  const from = unquote(find(global, 'emailalertfrom')?.value) ?? ''
  const smtp = find(global, 'smtp')
  const named = (unquote(to?.value) ?? '').split(/[\s,]+/).filter(address => /^[^\s@]+@[^\s@]+$/.test(address))
  const addresses = [...new Set(named)]
  if (!to) return undefined
  if (addresses.length === 0) {
    report(to, 'lost', 'mail-address', 'A local user without a host.', 'Write a whole address: user@host.')
    return undefined
  }
  for (const other of (unquote(to.value) ?? '').split(/[\s,]+/).filter(one => one !== '' && !named.includes(one)))
    report(to, 'lost', 'mail-address', `${other}: a local user without a host.`, 'Write a whole address: user@host.')
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
