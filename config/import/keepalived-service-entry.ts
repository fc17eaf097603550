import type { Report } from './finding.js'
import type { CheckNames } from './keepalived-check-names.js'
import type { Target } from './keepalived-group.js'
import { notifyEntry } from './keepalived-notify.js'
import { familyFits, type RealServer } from './keepalived-real-server.js'
import { type Service, startOf } from './keepalived-service.js'
import { endpoint } from './keepalived-values.js'
import { append, type Entries, entries, items, mapOf, plain, put, type Value } from './yaml-writer.js'

export type ServiceEntry = { readonly name: string; readonly entry: Entries; readonly notifies: readonly Entries[] }

/** The entries of one virtual_server: one, or one for its addresses and one for each family of its marks. */
export function serviceEntries(
  service: Service,
  checks: CheckNames,
  unique: (name: string) => string,
  report: Report,
): ServiceEntry[] {
  const addresses = service.targets.filter(target => target.kind === 'address')
  const marks = service.targets.filter(target => target.kind === 'mark')
  const parts: (readonly Target[])[] = [
    addresses,
    ...[undefined, 4, 6].map(family => marks.filter(mark => mark.family === family)),
  ]
  return parts
    .filter(part => part.length > 0)
    .flatMap((part, index) => {
      const fitting = service.realServers.filter(server => familyFits(server, part, report))
      if (fitting.length === 0) return []
      const own = { ...service, realServers: fitting }
      const name = unique(index > 0 ? `${service.name}-mark` : service.name)
      return { name, entry: entryOf(own, part, checks, report), notifies: alertsOf(own, name, part) }
    })
}

function entryOf(service: Service, targets: readonly Target[], checks: CheckNames, report: Report): Entries {
  const entry = entries()
  const [first] = targets
  if (first?.kind === 'address') {
    put(entry, 'address', oneOrList(targets.flatMap(target => (target.kind === 'address' ? target.text : []))))
    put(entry, 'protocol', service.protocol)
  } else {
    put(entry, 'mark', oneOrList(targets.flatMap(target => (target.kind === 'mark' ? target.mark : []))))
    if (first?.kind === 'mark') put(entry, 'family', first.family)
  }
  for (const { key, value, comments } of service.entry.pairs) put(entry, key, value, comments)
  put(entry, 'forward', service.forward.forward)
  put(entry, 'tunnel', service.forward.tunnel)
  put(entry, 'start', service.start)
  const namesOf = (server: RealServer) => checksOf(server, checks, report)
  const common = commonChecks(service.realServers, namesOf)
  if (common !== undefined) for (const { key, value } of checkUse(common).pairs) put(entry, key, value)
  const servers = items()
  for (const server of service.realServers)
    append(servers, serverEntry(server, service, common === undefined ? namesOf(server) : undefined), server.comments)
  put(entry, 'real_servers', servers)
  reportNoChecks(service, report)
  return entry
}

function oneOrList(values: readonly (string | number)[]): Value {
  const [only] = values
  return values.length === 1 && only !== undefined ? only : items(values)
}

/** The checks that all real servers have; undefined: they differ. */
function commonChecks(
  servers: readonly RealServer[],
  namesOf: (server: RealServer) => readonly string[],
): readonly string[] | undefined {
  const lists = servers.map(namesOf)
  const [first] = lists
  return lists.every(list => list.join(' ') === first?.join(' ')) ? first : undefined
}

/** The checks of a real server by their names, each once. */
function checksOf({ checks: own }: RealServer, checks: CheckNames, report: Report): readonly string[] {
  const found = new Set<string>()
  for (const check of own) {
    const name = checks.nameOf(check)
    if (found.has(name))
      report(
        check.node,
        'trap',
        'check-twice',
        'keepalived asks this real server the same thing twice, and each of the two can take it out.',
        'The YAML has the check once.',
      )
    found.add(name)
  }
  return [...found]
}

function checkUse(names: readonly string[]): Entries {
  const [only] = names
  if (only === undefined) return mapOf({ check: 'none' })
  return names.length === 1 ? mapOf({ check: only }) : mapOf({ checks: items(names) })
}

/** `own`: its checks, where they are not those of all. */
function serverEntry(server: RealServer, service: Service, own: readonly string[] | undefined): Entries {
  const { address, port, weight, forward, upper, lower } = server
  const entry = mapOf({ address: endpoint(address, undefined), port })
  if (weight !== 1) put(entry, 'weight', weight)
  const theirs = JSON.stringify([service.forward.forward, tunnelOf(service.forward.tunnel)])
  if (JSON.stringify([forward.forward, tunnelOf(forward.tunnel)]) !== theirs) {
    put(entry, 'forward', forward.forward)
    put(
      entry,
      'tunnel',
      forward.tunnel ?? (forward.forward === 'tun' && service.forward.tunnel ? mapOf({ type: 'ipip' }) : undefined),
    )
  }
  put(entry, 'upper', upper)
  put(entry, 'lower', lower)
  if (startOf(server) !== service.start) put(entry, 'start', startOf(server))
  if (server.inhibit && service.realServers.some(other => !other.inhibit)) put(entry, 'on_down', 'inhibit')
  if (own) for (const { key, value } of checkUse(own).pairs) put(entry, key, value)
  return entry
}

function tunnelOf(tunnel: Entries | undefined): unknown {
  return tunnel === undefined ? null : plain(tunnel)
}

function alertsOf(service: Service, name: string, targets: readonly Target[]): Entries[] {
  const [first] = targets
  const port = first?.kind === 'address' ? first.port : 0
  const { notifies, realServers } = service
  const called = (server: RealServer) => {
    const alone = realServers.filter(({ address }) => address === server.address).length === 1
    return alone ? server.address : endpoint(server.address, server.port ?? port)
  }
  return [
    ...notifies.map(notify => notifyEntry(notify, `service ${name}`, { start: service.start })),
    ...realServers.flatMap(server =>
      server.notifies.map(notify =>
        notifyEntry(notify, `server ${name}/${called(server)}`, { start: startOf(server) }),
      ),
    ),
  ]
}

function reportNoChecks(service: Service, report: Report): void {
  for (const server of service.realServers)
    if (server.checks.length === 0)
      report(
        server.node,
        'note',
        'no-check',
        'No checker: keepalived always takes this real server for alive.',
        'The YAML has check: none for it.',
      )
}
