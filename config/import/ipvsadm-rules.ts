import { parseEndpoint } from '../resolve/endpoint.js'
import type { Place, Report } from './finding.js'

type Rule = { readonly words: readonly string[]; readonly place: Place }

export type Options = ReadonlyMap<string, string>

export type Service = {
  readonly key: string
  readonly options: Options
  readonly place: Place
  readonly servers: Server[]
}

export type Server = { readonly options: Options; readonly place: Place }

/** Long and short options of ipvsadm(8), and whether a value follows. */
const spelling: Readonly<Record<string, readonly [name: string, value: boolean]>> = {
  '-t': ['tcp', true],
  '--tcp-service': ['tcp', true],
  '-u': ['udp', true],
  '--udp-service': ['udp', true],
  '--sctp-service': ['sctp', true],
  '-f': ['mark', true],
  '--fwmark-service': ['mark', true],
  '-6': ['six', false],
  '--ipv6': ['six', false],
  '-s': ['scheduler', true],
  '--scheduler': ['scheduler', true],
  '-M': ['netmask', true],
  '--netmask': ['netmask', true],
  '--pe': ['engine', true],
  '-o': ['ops', false],
  '--ops': ['ops', false],
  '-b': ['flags', true],
  '--sched-flags': ['flags', true],
  '-r': ['server', true],
  '--real-server': ['server', true],
  '-g': ['dr', false],
  '--gatewaying': ['dr', false],
  '-i': ['tun', false],
  '--ipip': ['tun', false],
  '-m': ['nat', false],
  '--masquerading': ['nat', false],
  '-w': ['weight', true],
  '--weight': ['weight', true],
  '-x': ['upper', true],
  '--u-threshold': ['upper', true],
  '-y': ['lower', true],
  '--l-threshold': ['lower', true],
  '--tun-type': ['type', true],
  '--tun-port': ['port', true],
  '--tun-nocsum': ['nocsum', false],
  '--tun-csum': ['csum', false],
  '--tun-remcsum': ['remcsum', false],
  '-n': ['numeric', false],
}

export function rules(text: string, file: string): Rule[] {
  return text.split('\n').flatMap((raw, index) => {
    const statement = raw.trim()
    if (statement === '' || statement.startsWith('#')) return []
    const words = statement.split(/\s+/)
    return [
      { words: words[0]?.endsWith('ipvsadm') ? words.slice(1) : words, place: { file, line: index + 1, statement } },
    ]
  })
}

/** Adds one rule; answers whether it was one. */
export function readRule(
  { words: [command = '', ...rest], place }: Rule,
  services: Service[],
  report: Report,
): boolean {
  const isService = command === '-A' || command === '--add-service'
  if (!isService && command !== '-a' && command !== '--add-server') {
    report(
      place,
      command.startsWith('-') ? 'lost' : 'trap',
      'not-a-rule',
      'Only rules that add services and real servers describe a table.',
      'Left out.',
    )
    return false
  }
  const options = optionsOf(rest, place, report)
  const key = keyOf(options)
  if (!options || key === undefined) {
    report(place, 'lost', 'bad-rule', 'This rule names no valid virtual service.', 'Left out.')
    return false
  }
  const known = services.find(service => service.key === key)
  if (isService) {
    if (known)
      report(
        place,
        'trap',
        'duplicate-service',
        'This service stands above already: ipvsadm refuses the second.',
        'Left out.',
      )
    else services.push({ key, options, place, servers: [] })
    return true
  }
  if (known) known.servers.push({ options, place })
  else
    report(
      place,
      'lost',
      'unknown-service',
      'The virtual service of this real server does not stand above it: ipvsadm refuses it.',
      'Left out.',
    )
  return true
}

function optionsOf(words: readonly string[], place: Place, report: Report): Map<string, string> | undefined {
  const found = new Map<string, string>()
  for (let i = 0; i < words.length; i++) {
    const [word = '', inline] = (words[i] ?? '').split('=', 2)
    if (word === '-p' || word === '--persistent') {
      const next = words[i + 1]
      const seconds = inline ?? (next !== undefined && /^\d+$/.test(next) ? words[++i] : undefined)
      // ipvsadm(8): 300 seconds where no number stands.
      found.set('persistent', seconds ?? '300')
      continue
    }
    const known = Object.hasOwn(spelling, word) ? spelling[word] : undefined
    if (!known) {
      report(place, 'lost', 'unknown-word', `ipvsadm has no option ${word} for rules.`, 'Left out.')
      continue
    }
    const [name, takes] = known
    const value = takes ? (inline ?? words[++i]) : ''
    if (value === undefined) return undefined
    found.set(name, value)
  }
  return found
}

function keyOf(options: Options | undefined): string | undefined {
  if (['tcp', 'udp', 'sctp', 'mark'].filter(name => options?.has(name)).length !== 1) return undefined
  for (const protocol of ['tcp', 'udp', 'sctp']) {
    const text = options?.get(protocol)
    if (text === undefined) continue
    const endpoint = parseEndpoint(text)
    return endpoint?.addresses.length === 1 && endpoint.port !== undefined ? `${protocol} ${text}` : undefined
  }
  const mark = Number(options?.get('mark'))
  return Number.isInteger(mark) && mark > 0 && mark <= 4_294_967_295
    ? `mark ${mark} ${options?.has('six') ? 6 : 4}`
    : undefined
}
