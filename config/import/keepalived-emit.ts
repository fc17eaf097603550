import type { Report } from './finding.js'
import { mailAlerts, routerAlerts } from './keepalived-alerts.js'
import { commentsOf } from './keepalived-block.js'
import { checkNames } from './keepalived-check-names.js'
import { same, show } from './keepalived-compare.js'
import { type Director, directorEntries } from './keepalived-directors.js'
import { commonPriority, matchRouters, routerOf } from './keepalived-merge-routers.js'
import { matchServices } from './keepalived-merge-services.js'
import { serviceEntries } from './keepalived-service-entry.js'
import { uniqueNames } from './keepalived-values.js'
import { append, type Entries, entries, items, mapOf, put } from './yaml-writer.js'

/** The YAML of all directors; where their files differ beyond what one file can say, the first one counts. */
export function emit(directors: readonly Director[], report: Report): Entries {
  const root = entries()
  const pairs = matchRouters(directors, report)
  const common = directors.map((_, index) => commonPriority(pairs.map(pair => pair[index])))
  const perDirector = common.every(priority => priority !== undefined)
  const own = directorEntries(directors, perDirector ? common : directors.map(() => undefined))
  // Without VRRP there is nothing that directors would have to agree on.
  if (pairs.length > 0) put(root, 'directors', own)
  const routerNames = uniqueNames()
  const names = new Map<string, string>()
  const routers = entries()
  for (const pair of pairs) {
    const present = pair.flatMap((router, index) => (router ? [{ router, director: directors[index] }] : []))
    const [first] = present
    if (!first?.director) continue
    const name = routerNames(first.router.name)
    for (const { router } of present) names.set(router.name, name)
    put(routers, name, routerOf(pair, directors, !perDirector, report), first.router.comments)
  }
  if (routers.pairs.length > 0) put(root, 'virtual_routers', routers)
  putTrackers(root, directors, report)
  const services = matchServices(directors, report)
  const checks = checkNames(services.map(service => service.service))
  if (checks.entries.pairs.length > 0) put(root, 'checks', checks.entries)
  const serviceNames = uniqueNames()
  const all = entries()
  const alerts = items()
  for (const { service } of services)
    for (const { name, entry, notifies } of serviceEntries(service, checks, serviceNames, report)) {
      put(all, name, entry, service.comments)
      for (const item of notifies) append(alerts, item)
    }
  if (all.pairs.length > 0) put(root, 'virtual_servers', all)
  const entriesOfRouters = routerAlerts(directors, names)
  const mail = mailAlerts(directors, names, report)
  const list = items()
  for (const item of mail) append(list, item)
  for (const item of entriesOfRouters) append(list, item)
  list.items.push(...alerts.items)
  if (list.items.length > 0) put(root, 'alerts', list)
  putSettings(root, directors, services.length > 0, report)
  return root
}

function putTrackers(root: Entries, directors: readonly Director[], report: Report): void {
  for (const kind of ['scripts', 'files', 'processes'] as const) {
    const map = entries()
    for (const { side, name } of directors)
      for (const tracker of side.trackers.filter(other => other.kind === kind)) {
        const earlier = map.pairs.find(pair => pair.key === tracker.name)
        if (!earlier) put(map, tracker.name, tracker.entry, tracker.comments)
        else if (!same(earlier.value, tracker.entry)) {
          const node = side.routers[0]?.node ?? { file: side.file, line: 1, statement: tracker.name }
          report(
            { file: node.file, line: node.line, statement: tracker.name },
            'lost',
            'directors-differ',
            `${tracker.name} of ${name} is ${show(tracker.entry)}, of the other director ${show(earlier.value)}.`,
            'The YAML has that of the other director, for both.',
          )
        }
      }
    if (map.pairs.length > 0) put(root, kind, map)
  }
}

function putSettings(root: Entries, directors: readonly Director[], services: boolean, report: Report): void {
  const [first, ...others] = directors
  if (!first) return
  // keepalived takes every service out of the table when it stops.
  if (services) put(root, 'on_stop', 'clear')
  const settings = directors.map(({ side, rename }) => {
    const map = entries()
    for (const { key, value, comments } of side.globals.top.pairs) put(map, key, value, comments)
    put(map, 'sync', syncOf(side, rename), commentsOf(side.globals.sync?.node))
    return map
  })
  for (const { key, value, comments } of settings[0]?.pairs ?? []) put(root, key, value, comments)
  others.forEach((director, index) => {
    if (!same(settings[0], settings[index + 1]))
      report(
        { file: director.side.file, line: 1, statement: 'global_defs' },
        'lost',
        'directors-differ',
        `lvs_timeouts or lvs_sync_daemon: ${first.name} has ${show(settings[0])}, ${director.name} has ${show(settings[index + 1])}.`,
        `The YAML has that of ${first.name}.`,
      )
  })
}

function syncOf(side: Director['side'], rename: Director['rename']): Entries | undefined {
  const { sync } = side.globals
  if (!sync) return undefined
  const id = side.routers.find(router => router.name === sync.instance)?.vrid
  const entry = mapOf({ interface: rename(sync.interface), ...(id === undefined ? {} : { id }) })
  for (const { key, value } of sync.options.pairs) put(entry, key, value)
  return entry
}
