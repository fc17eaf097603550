import { canonicalAddress } from './address.js'
import {
  type Protocol,
  type Scheduler,
  type SchedulerFlag,
  type Server,
  type ServerSettings,
  type Service,
  type ServiceId,
  serverKey,
  serviceKey,
  type Table,
  type Tunnel,
} from './table.js'

/** A line that `ipvsadm -R` would refuse, and why. */
export type RuleError = { readonly line: number; readonly text: string; readonly reason: string }

/** Reads the text of `ipvsadm -Sn` (only -A and -a rules, short or long options). Never throws. */
export function parseRules(text: string): { readonly table: Table; readonly errors: readonly RuleError[] } {
  const table = new Map<string, { service: Service; servers: Map<string, Server> }>()
  const errors: RuleError[] = []
  text.split('\n').forEach((line, i) => {
    const words = line.trim().split(/\s+/)
    if (words[0] === '' || words[0]?.startsWith('#')) return
    const reason = parseRule(words, table)
    if (reason) errors.push({ line: i + 1, text: line, reason })
  })
  return { table, errors }
}

/** Adds one rule to the table; answers what is wrong with it. */
function parseRule(
  [command, ...rest]: readonly string[],
  table: Map<string, { service: Service; servers: Map<string, Server> }>,
): string | undefined {
  const options = optionsOf(rest)
  if (typeof options === 'string') return options
  const id = serviceId(options)
  if (!id) return 'no virtual service: -t, -u, --sctp-service or -f'
  if (command === '-A' || command === '--add-service') {
    const service = { id, settings: serviceSettings(options, id) }
    if (table.has(serviceKey(id))) return 'this service exists already'
    table.set(serviceKey(id), { service, servers: new Map() })
    return undefined
  }
  if (command !== '-a' && command !== '--add-server') return `not a rule: ${command}`
  const entry = table.get(serviceKey(id))
  if (!entry) return 'its service is not defined before it'
  const own = 'mark' in id ? 0 : id.port
  const where = endpointOf(options.get('-r') ?? '', own)
  if (!where) return 'no real server: -r ADDRESS:PORT'
  const settings = serverSettings(options)
  const server: Server = { ...where, port: settings.forward === 'nat' ? where.port : own, settings }
  entry.servers.set(serverKey(server), server)
  return undefined
}

type Options = ReadonlyMap<string, string>

/** Long options by their short name. */
const SHORT: Readonly<Record<string, string>> = {
  '--tcp-service': '-t',
  '--udp-service': '-u',
  '--fwmark-service': '-f',
  '--ipv6': '-6',
  '--scheduler': '-s',
  '--persistent': '-p',
  '--netmask': '-M',
  '--real-server': '-r',
  '--gatewaying': '-g',
  '--ipip': '-i',
  '--masquerading': '-m',
  '--weight': '-w',
  '--u-threshold': '-x',
  '--l-threshold': '-y',
  '--sched-flags': '-b',
  '--ops': '-o',
}
const FLAGS: ReadonlySet<string> = new Set([
  '-6',
  '-g',
  '-i',
  '-m',
  '-l',
  '-o',
  '--tun-nocsum',
  '--tun-csum',
  '--tun-remcsum',
])
const VALUES: ReadonlySet<string> = new Set([
  ...['-t', '-u', '--sctp-service', '-f', '-s', '-M', '--pe', '-b', '-r', '-w', '-x', '-y', '--tun-type', '--tun-port'],
])

function optionsOf(words: readonly string[]): Options | string {
  const options = new Map<string, string>()
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    const name = SHORT[word] ?? word
    const value = words[i + 1]
    if (FLAGS.has(name)) options.set(name, '')
    else if (name === '-p') {
      // Its value may be missing: then it is 300 s.
      const given = value !== undefined && /^\d+$/.test(value)
      options.set(name, given ? value : '300')
      if (given) i++
    } else if (!VALUES.has(name)) return `unknown option ${word}`
    else if (value === undefined) return `${word} wants a value`
    else {
      options.set(name, value)
      i++
    }
  }
  return options
}

function serviceId(options: Options): ServiceId | undefined {
  const mark = options.get('-f')
  if (mark !== undefined)
    return /^\d+$/.test(mark) ? { mark: Number(mark), family: options.has('-6') ? 6 : 4 } : undefined
  const names: readonly (readonly [string, Protocol])[] = [
    ['-t', 'tcp'],
    ['-u', 'udp'],
    ['--sctp-service', 'sctp'],
  ]
  for (const [option, protocol] of names) {
    const where = endpointOf(options.get(option) ?? '', 0)
    if (where) return { protocol, ...where }
  }
  return undefined
}

function endpointOf(text: string, port: number): { address: string; port: number } | undefined {
  const [, six, four, given] = /^(?:\[([^\]]+)\]|([0-9.]+))(?::(\d+))?$/.exec(text) ?? []
  const address = six ?? four
  if (address === undefined) return undefined
  try {
    return { address: canonicalAddress(address), port: given === undefined ? port : Number(given) }
  } catch {
    return undefined
  }
}

function serviceSettings(options: Options, id: ServiceId): Service['settings'] {
  const timeout = options.get('-p')
  const six = 'mark' in id ? id.family === 6 : id.address.includes(':')
  const mask = options.get('-M')
  const engine = options.get('--pe')
  const granularity = mask === undefined ? (six ? 128 : 32) : six ? Number(mask) : prefixOf(mask)
  return {
    scheduler: (options.get('-s') ?? 'wlc') as Scheduler,
    flags: (options.get('-b')?.split(',') ?? []) as SchedulerFlag[],
    ...(timeout === undefined
      ? {}
      : { persistence: { timeout: Number(timeout), granularity, ...(engine ? { engine } : {}) } }),
    onePacket: options.has('-o'),
  }
}

function serverSettings(options: Options): ServerSettings {
  const forward = options.has('-m') ? 'nat' : options.has('-i') ? 'tun' : options.has('-l') ? 'local' : 'dr'
  return {
    weight: Number(options.get('-w') ?? 1),
    forward,
    ...(forward === 'tun' ? { tunnel: tunnelOf(options) } : {}),
    upper: Number(options.get('-x') ?? 0),
    lower: Number(options.get('-y') ?? 0),
  }
}

function tunnelOf(options: Options): Tunnel {
  const checksum = options.has('--tun-csum') ? 'csum' : 'none'
  const port = Number(options.get('--tun-port') ?? 0)
  switch (options.get('--tun-type')) {
    case 'gue':
      return { type: 'gue', port, checksum: options.has('--tun-remcsum') ? 'remcsum' : checksum }
    case 'gre':
      return { type: 'gre', checksum }
    default:
      return { type: 'ipip' }
  }
}

/** `255.255.255.0` -> 24 */
function prefixOf(mask: string): number {
  return mask.split('.').reduce((bits, part) => bits + (Number(part).toString(2).match(/1/g)?.length ?? 0), 0)
}
