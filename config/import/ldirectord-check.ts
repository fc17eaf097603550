import type { Place, Report } from './finding.js'
import { absolute, duration } from './keepalived-values.js'
import { splitCommand } from './keepalived-words.js'
import { serviceOfPort } from './ldirectord-parse.js'
import { type Entries, entries, items, mapOf, put } from './yaml-writer.js'

/** What one virtual says about its checks, defaults filled in. Seconds. */
export type CheckSettings = {
  readonly place: Place
  readonly type: string
  readonly service: string | undefined
  readonly command: string | undefined
  readonly port: number | undefined
  readonly request: string | undefined
  readonly receive: string | undefined
  readonly method: string | undefined
  readonly host: string | undefined
  readonly login: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
  readonly interval: number
  readonly checkTimeout: number
  readonly negotiateTimeout: number
  readonly failures: number
  /** Of the virtual server: decides the service where nobody says. */
  readonly virtualAddress: string
  readonly virtualPort: number
  readonly udp: boolean
}

/** The checks of the YAML: [] for none (always up); undefined: ldirectord switches the service off. */
export function ldirectordChecks(settings: CheckSettings, report: Report): Entries[] | undefined {
  const { type, place } = settings
  if (type === 'on') return []
  if (type === 'off') return undefined
  const mixed = /^\d+$/.test(type)
  if (mixed)
    report(
      place,
      'note',
      'mixed-check',
      `${type} connects, then one negotiation.`,
      'The YAML has both checks, each at its own pace: both must pass.',
    )
  const kinds = mixed ? [connects(settings), ...negotiate(settings, report)] : single(settings, report)
  return kinds.map((kind, index) => timed(kind, settings, mixed ? index > 0 : type === 'negotiate'))
}

function single(settings: CheckSettings, report: Report): Entries[] {
  const { type, place, command, virtualAddress, virtualPort } = settings
  if (type === 'connect') return [connects(settings)]
  if (type === 'ping') return [mapOf({ icmp: entries() })]
  if (type === 'negotiate') return negotiate(settings, report)
  if (type === 'external' && command !== undefined) {
    const argv = [...absolute(splitCommand(command)), virtualAddress, String(virtualPort), '{address}', '{port}']
    return [mapOf({ exec: mapOf({ argv: items(argv) }) })]
  }
  report(place, 'lost', 'check-type', `The check type ${type} cannot be carried over.`, onlyConnects)
  return [connects(settings)]
}

const onlyConnects = 'The YAML connects only (tcp, udp); write the check anew, for instance as exec.'

/** ldirectord "connects" to UDP by a datagram: what fails is an answer that nobody listens. */
function connects({ udp }: CheckSettings): Entries {
  return udp ? mapOf({ udp: mapOf({ require_reply: false }) }) : mapOf({ tcp: entries() })
}

function timed(kind: Entries, settings: CheckSettings, deep: boolean): Entries {
  const { interval, checkTimeout, negotiateTimeout, failures, port } = settings
  put(kind, 'port', port)
  put(kind, 'interval', duration(interval * 1000))
  if (failures > 1) put(kind, 'fast_interval', duration(interval * 1000))
  put(kind, 'timeout', duration((deep ? negotiateTimeout : checkTimeout) * 1000))
  // ldirectord keeps no idle connection to a real server.
  if (kind.pairs.some(({ key }) => ['tcp', 'http', 'https'].includes(key))) put(kind, 'watch', false)
  put(kind, 'rise', 1)
  put(kind, 'fall', Math.max(1, Math.min(1000, failures)))
  return kind
}

function negotiate(settings: CheckSettings, report: Report): Entries[] {
  const { place, request, receive, login, password, database } = settings
  const service = settings.service ?? serviceOfPort[settings.port ?? settings.virtualPort] ?? 'none'
  const lost = (instead: string, kind = connects(settings)) => {
    report(
      place,
      'lost',
      'negotiate-service',
      `Speaks ${service} with the real server${request === undefined ? '' : ` and asks for ${request}`}.`,
      instead,
    )
    return [kind]
  }
  /** Whoever logs in there, or asks for something, is told that the YAML does not. */
  const greeting = (regex: string) => {
    const kind = mapOf({ tcp: mapOf({ expect: mapOf({ regex }) }) })
    const more = [login, password, request, receive].some(one => one !== undefined)
    return more ? lost('The YAML looks at the greeting only; log in with an exec check.', kind) : [kind]
  }
  switch (service) {
    case 'http':
    case 'https':
      return [web(service, settings, report)]
    case 'smtp':
    case 'submission':
      return [mapOf({ smtp: entries() })]
    case 'dns':
      return [mapOf({ dns: mapOf({ name: request, type: 'A', answer: receive }) })]
    case 'mysql':
      if (request !== undefined || database !== undefined)
        return lost(
          'The YAML logs in; a query of your own is an exec check.',
          mapOf({ mysql: mapOf({ user: login, password }) }),
        )
      return [mapOf({ mysql: mapOf({ user: login, password }) })]
    case 'pgsql':
      return request === undefined
        ? [mapOf({ postgresql: mapOf({ user: login, database, password }) })]
        : lost(
            'The YAML logs in; a query of your own is an exec check.',
            mapOf({ postgresql: mapOf({ user: login, database, password }) }),
          )
    case 'ldap': {
      const bind = mapOf({ ldap: mapOf({ dn: login, password }) })
      return request === undefined && receive === undefined
        ? [bind]
        : lost('The YAML binds; a search of your own is an exec check.', bind)
    }
    case 'simpletcp':
      return [mapOf({ tcp: mapOf({ send: request, expect: pattern(receive, place, report) }) })]
    case 'ftp':
      return greeting('^220')
    case 'pop':
      return greeting('^\\+OK')
    case 'imap':
      return greeting('^\\* OK')
    case 'nntp':
      return greeting('^20[01]')
    case 'pops':
    case 'imaps':
    case 'ldaps':
      return lost('The YAML completes a TLS handshake only.', mapOf({ tls: mapOf({ verify: 'none' }) }))
    default:
      return lost(onlyConnects)
  }
}

function web(
  kind: 'http' | 'https',
  { request, receive, method, host, place }: CheckSettings,
  report: Report,
): Entries {
  const path = request === undefined ? '/' : request.startsWith('/') ? request : `/${request}`
  const valid = /^\/[\x21-\x7e]*$/.test(path)
  if (!valid) report(place, 'lost', 'bad-path', `The request ${path} holds blanks.`, 'The YAML asks for /.')
  const named = host === undefined || /^[\x21-\x7e]+$/.test(host)
  if (!named) report(place, 'lost', 'bad-host', `The name ${host} holds blanks.`, 'Left out.')
  const known = method === undefined || /^[A-Za-z]{1,20}$/.test(method)
  const entry = mapOf({
    method: known ? method?.toUpperCase() : undefined,
    path: valid ? path : '/',
    host: named ? host : undefined,
  })
  const found = pattern(receive, place, report)
  for (const { key, value } of found?.pairs ?? []) put(entry, key, value)
  if (kind === 'https') {
    put(entry, 'tls', mapOf({ verify: 'none' }))
    report(
      place,
      'note',
      'tls-not-verified',
      'ldirectord does not verify certificates of real servers.',
      'The YAML has verify: none. Take it out where they are in order.',
    )
  }
  return mapOf({ [kind]: entry })
}

/** `receive` is a Perl expression. */
function pattern(receive: string | undefined, place: Place, report: Report): Entries | undefined {
  if (receive === undefined || receive === '') return undefined
  if (/^[\w /:,-]+$/.test(receive)) return mapOf({ contains: receive })
  const strange = /\(\?<?[=!]|\\[1-9]|\\k</.test(receive.replaceAll('\\\\', ''))
  if (!strange && compiles(receive)) return mapOf({ regex: receive })
  report(
    place,
    'lost',
    'regex-syntax',
    'This is an expression of Perl that RE2 does not have.',
    'Left out: write it without look-around and back references.',
  )
  return undefined
}

function compiles(regex: string): boolean {
  try {
    new RegExp(regex)
    return true
  } catch {
    return false
  }
}
