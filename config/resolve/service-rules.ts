import type { RouterConfig, ServiceConfig, ServiceIdConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { File } from '../schema/file.js'
import type { ServiceFile } from '../schema/service.js'
import { family } from '../schema/values.js'

/** What cannot work, or only seems to, in one virtual server or between several. */
export function serviceRules(
  file: File,
  services: readonly ServiceConfig[],
  routers: readonly RouterConfig[],
  report: Reporter,
): void {
  const carried = new Set(
    routers.flatMap(router => [...router.vips, ...router.excludedVips].map(({ address }) => address)),
  )
  const taken = new Map<string, string>()
  for (const service of services) {
    const path: Path = ['virtual_servers', service.name]
    const given = file.virtual_servers?.[service.name]
    if (given === undefined) continue
    duplicates(path, service, taken, report)
    sorry(path, service, report)
    portZero(path, service, report)
    persistence(path, service, given, report)
    onePacket(path, service, given, report)
    hashing(path, service, given, report)
    flags(path, service, given, report)
    weights(path, service, given, report)
    if (file.sync !== undefined) mixedFamilies(path, service, report)
    if (carried.size > 0) notCarried(path, service, carried, report)
  }
}

function duplicates(path: Path, service: ServiceConfig, taken: Map<string, string>, report: Reporter): void {
  for (const id of service.ids) {
    const key = showId(id)
    const other = taken.get(key)
    if (other !== undefined)
      report.error(
        'duplicate-service',
        path,
        other === service.name ? `${key} stands twice in ${service.name}` : `${key} belongs to ${other} already`,
        { at: 'key' },
      )
    else taken.set(key, service.name)
  }
}

function showId(id: ServiceIdConfig): string {
  if ('mark' in id) return `mark ${id.mark} IPv${id.family}`
  return `${id.protocol} ${family(id.address) === 6 ? `[${id.address}]` : id.address}:${id.port}`
}

function sorry(path: Path, { name, sorryServer, realServers }: ServiceConfig, report: Reporter): void {
  if (sorryServer === undefined) return
  if (realServers.some(({ address, port }) => address === sorryServer.address && port === sorryServer.port))
    report.error(
      'sorry-is-real',
      [...path, 'sorry_server'],
      `${sorryServer.address} is a real server of ${name} already`,
      {
        suggestion: 'a tier of its own does the same: tier: 2',
      },
    )
}

function portZero(path: Path, service: ServiceConfig, report: Reporter): void {
  if (service.settings.persistence === undefined && service.ids.some(id => 'port' in id && id.port === 0))
    report.error('port-zero', [...path, 'address'], 'port 0 (all ports) needs persistence', {
      suggestion: 'persistence: 5m',
    })
}

function persistence(path: Path, service: ServiceConfig, given: ServiceFile, report: Reporter): void {
  const { persistence } = service.settings
  if (persistence === undefined) return
  const at = [...path, 'persistence']
  const timeout = typeof given.persistence === 'number' ? given.persistence : (given.persistence?.timeout ?? 0)
  if (timeout % 1000 !== 0) report.error('whole-seconds', at, 'the kernel counts persistence in whole seconds')
  const [first] = service.ids
  if (
    first !== undefined &&
    persistence.granularity > 32 &&
    ('mark' in first ? first.family : family(first.address)) === 4
  )
    report.error('netmask', [...at, 'netmask'], `netmask: ${persistence.granularity} is longer than an IPv4 address`)
  if (service.settings.onePacket)
    report.error(
      'ops-persistence',
      [...path, 'one_packet'],
      'one_packet schedules every datagram by itself: it cannot be persistent',
      { at: 'key' },
    )
  if (persistence.engine === 'sip' && service.ids.some(id => 'port' in id && id.protocol !== 'udp'))
    report.error('engine-protocol', [...at, 'engine'], 'the engine sip reads UDP only', { suggestion: 'protocol: udp' })
}

function onePacket(path: Path, service: ServiceConfig, given: ServiceFile, report: Reporter): void {
  if (given.one_packet === true && service.ids.some(id => 'port' in id && id.protocol !== 'udp'))
    report.error('ops-protocol', [...path, 'one_packet'], 'one_packet is for protocol: udp', { at: 'key' })
  // The kernel keeps no connection to find the client of an answer by (ip_vs_core.c, ip_vs_out_hook).
  else if (given.one_packet === true && service.realServers.some(({ forward }) => forward === 'nat'))
    report.warn(
      'ops-nat',
      [...path, 'one_packet'],
      'with one_packet and forward: nat the answers leave with the address of the real server: clients do not take them',
      { at: 'key', suggestion: 'forward: dr' },
    )
}

/** ip_vs_sh.c and ip_vs_dh.c keep sending a client to its real server when that gets weight 0, and then find none. */
function hashing(path: Path, service: ServiceConfig, given: ServiceFile, report: Reporter): void {
  const { scheduler, flags: set } = service.settings
  if (given.scheduler === undefined || service.realServers.length < 2) return
  if (scheduler !== 'dh' && (scheduler !== 'sh' || set.includes('sh-fallback'))) return
  report.warn(
    'hash-drain',
    [...path, 'scheduler'],
    `with scheduler: ${scheduler} the clients of a real server that drains get no answer until it has left the table`,
    {
      suggestion: scheduler === 'sh' ? `scheduler_flags: [${[...set, 'sh-fallback'].join(', ')}]` : 'scheduler: mh',
    },
  )
}

function flags(path: Path, service: ServiceConfig, given: ServiceFile, report: Reporter): void {
  const { scheduler } = service.settings
  for (const [index, flag] of (given.scheduler_flags ?? []).entries()) {
    const [prefix] = flag.split('-')
    if (prefix !== 'flag' && prefix !== scheduler)
      report.error(
        'scheduler-flag',
        [...path, 'scheduler_flags', index],
        `${flag} is for scheduler: ${prefix}, not for ${scheduler}`,
      )
  }
}

/** ip_vs_rr.c, ip_vs_lc.c and ip_vs_dh.c only look whether a weight is above zero. */
const weightless = new Set(['rr', 'lc', 'dh'])
/** A weight is a rank (fo) or a number of connections (ovf) here. */
const otherMeaning = new Set(['fo', 'ovf'])

function weights(path: Path, service: ServiceConfig, given: ServiceFile, report: Reporter): void {
  const { scheduler } = service.settings
  if (service.slowStart > 0 && (weightless.has(scheduler) || otherMeaning.has(scheduler)))
    report.error(
      'slow-start-scheduler',
      [...path, 'slow_start'],
      `slow_start needs a scheduler that shares by weight, not ${scheduler}`,
      { suggestion: 'scheduler: wrr or wlc' },
    )
  if (service.slowStart > 0 && (scheduler === 'sh' || scheduler === 'mh'))
    report.warn(
      'slow-start-hash',
      [...path, 'slow_start'],
      `every step of slow_start moves clients to other real servers with scheduler: ${scheduler}`,
    )
  const used = new Set(service.realServers.map(({ weight }) => weight).filter(weight => weight > 0))
  if (weightless.has(scheduler) && used.size > 1)
    report.warn(
      'weight-ignored',
      [...path, given.scheduler === undefined ? 'real_servers' : 'scheduler'],
      `scheduler: ${scheduler} ignores weights`,
      { suggestion: 'scheduler: wrr or wlc' },
    )
  const twins = otherMeaning.has(scheduler) ? equalWeights(service) : undefined
  if (twins !== undefined)
    report.warn(
      'equal-weights',
      [...path, given.scheduler === undefined ? 'real_servers' : 'scheduler'],
      `with scheduler: ${scheduler} clients go to the highest weight first; ${twins[0]} and ${twins[1]} have the same, so which of them comes first follows from which came up last`,
      { suggestion: 'a weight of its own for each, the highest for the first choice' },
    )

  const sum = service.realServers.reduce((total, { weight }) => total + weight, 0)
  if (service.hysteresis >= service.quorum && service.hysteresis > 0)
    report.error(
      'hysteresis',
      [...path, 'hysteresis'],
      `hysteresis (${service.hysteresis}) must be below quorum (${service.quorum}): the service could never go down`,
    )
  if (service.sources.length > 0 || service.realServers.length === 0) return
  if (service.quorum > sum)
    report.error(
      'quorum',
      given.quorum === undefined ? [...path, 'real_servers'] : [...path, 'quorum'],
      `quorum ${service.quorum} is above the sum of the weights, ${sum}: ${service.name} could never be up`,
    )
  else if (service.quorum + service.hysteresis > sum)
    report.error(
      'quorum',
      [...path, 'hysteresis'],
      `quorum + hysteresis (${service.quorum + service.hysteresis}) is above the sum of the weights, ${sum}: ${service.name} could never come up again`,
    )
}

/** The first two real servers of one tier whose weight is the same, and not 0. */
function equalWeights({ realServers }: ServiceConfig): readonly [string, string] | undefined {
  const seen = new Map<string, string>()
  for (const { address, weight, tier } of realServers) {
    const other = seen.get(`${tier} ${weight}`)
    if (weight > 0 && other !== undefined) return [other, address]
    seen.set(`${tier} ${weight}`, address)
  }
  return undefined
}

function mixedFamilies(path: Path, service: ServiceConfig, report: Reporter): void {
  const [id] = service.ids
  const own = id === undefined || 'mark' in id ? id?.family : family(id.address)
  const other = service.realServers.find(({ address }) => own !== undefined && family(address) !== own)
  if (other !== undefined)
    report.error(
      'mixed-family-sync',
      [...path, 'real_servers'],
      `${other.address} is IPv${family(other.address)}, ${service.name} is IPv${own}: the kernel refuses that while connections are synchronised`,
      {
        suggestion: 'remove sync, or give the real server an address of the same family',
        at: 'key',
      },
    )
}

function notCarried(path: Path, service: ServiceConfig, carried: ReadonlySet<string>, report: Reporter): void {
  const missing = [...new Set(service.ids.flatMap(id => ('mark' in id || carried.has(id.address) ? [] : [id.address])))]
  if (missing.length > 0)
    report.warn(
      'vip-not-carried',
      [...path, 'address'],
      `${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', ...' : ''} is in no virtual router: no failover for ${service.name}`,
    )
}
