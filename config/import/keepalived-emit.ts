import type { Report } from './finding.js'
import { commentsOf, descendants } from './keepalived-block.js'
import { checkNames } from './keepalived-check-names.js'
import { type Director, directorEntries } from './keepalived-directors.js'
import { mailEntry } from './keepalived-globals.js'
import { type Notify, notifyEntry } from './keepalived-notify.js'
import { type Router, routerEntry } from './keepalived-router.js'
import { serviceEntries } from './keepalived-service-entry.js'
import { serviceKeys } from './keepalived-side.js'
import { safeName, uniqueNames } from './keepalived-values.js'
import { append, type Entries, entries, items, mapOf, plain, put } from './yaml-writer.js'

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
  const entriesOfRouters = routerAlerts(directors, names, report)
  const mail = mailAlert(directors, report)
  const list = items()
  for (const item of mail) append(list, item)
  for (const item of entriesOfRouters) append(list, item)
  list.items.push(...alerts.items)
  if (list.items.length > 0) put(root, 'alerts', list)
  putSettings(root, directors, services.length > 0, report)
  return root
}

type Pair = readonly (Router | undefined)[]

/** Instances that are one virtual router: same name, else same vrid and family. */
function matchRouters(directors: readonly Director[], report: Report): Pair[] {
  const [first, second] = directors
  if (!first) return []
  if (!second) return first.side.routers.map(router => [router])
  const rest = new Set(second.side.routers)
  const pairs: Pair[] = first.side.routers.map(router => {
    const twin =
      [...rest].find(other => other.name === router.name && other.vrid === router.vrid) ??
      [...rest].find(other => other.vrid === router.vrid && other.family === router.family)
    if (twin) rest.delete(twin)
    else onlyHere(router, second)
    return [router, twin]
  })
  for (const router of rest) {
    onlyHere(router, first)
    pairs.push([undefined, router])
  }
  return pairs

  function onlyHere(router: Router, missing: Director): void {
    report(
      router.node,
      'lost',
      'only-one-director',
      `${missing.name} has no instance with vrid ${router.vrid}: only one director takes part.`,
      'In the YAML both take part. Give the one that shall not a priority of 1, or add it to the other file first.',
    )
  }
}

function commonPriority(routers: readonly (Router | undefined)[]): number | undefined {
  const all = new Set(routers.flatMap(router => router?.priority ?? []))
  const [only] = all
  return all.size === 1 ? only : all.size === 0 ? 100 : undefined
}

function routerOf(pair: Pair, directors: readonly Director[], withPriorities: boolean, report: Report): Entries {
  const present = pair.flatMap((router, index) => {
    const director = directors[index]
    return router && director ? [{ router, director }] : []
  })
  const [first, second] = present
  if (!first) return entries()
  const group = first.director.side.groupOf.get(first.router.name)
  const entry = routerEntry(first.router, first.director.rename, group === undefined ? undefined : safeName(group))
  if (second) compareRouters(entry, first, second, report)
  const priorities = entries()
  for (const { router, director } of present) put(priorities, director.name, router.priority)
  const owners = present.filter(({ router }) => router.priority === 255)
  const [, extra] = owners
  if (extra) {
    report(
      extra.router.node,
      'lost',
      'two-owners',
      'Both directors have priority 255: both would be master for good.',
      `The YAML has 254 for ${extra.director.name}.`,
    )
    put(priorities, extra.director.name, 254)
  }
  if (withPriorities || extra) put(entry, 'priorities', priorities, first.router.keyComments['priorities'])
  putTransport(entry, present, directors, report)
  if (owners.length > 0) dropWeights(entry, owners[0]?.router, report)
  return entry
}

type Present = { readonly router: Router; readonly director: Director }

function compareRouters(entry: Entries, first: Present, second: Present, report: Report): void {
  const group = second.director.side.groupOf.get(second.router.name)
  const other = routerEntry(second.router, second.director.rename, group === undefined ? undefined : safeName(group))
  for (const key of new Set([...entry.pairs, ...other.pairs].map(pair => pair.key))) {
    const [mine, theirs] = [entry, other].map(map => map.pairs.find(pair => pair.key === key)?.value)
    if (same(mine, theirs)) continue
    const higher = second.router.priority > first.router.priority ? second : first
    // Only a director of higher priority than the master ever has the choice.
    if (key === 'preempt') {
      put(entry, key, higher === first ? mine : theirs)
      report(
        second.router.node,
        'note',
        'preempt-differs',
        'The two directors differ in whether they pre-empt; only the one of higher priority ever can.',
        `The YAML does as ${higher.director.name}.`,
      )
    } else
      report(
        second.router.node,
        'lost',
        'directors-differ',
        `${key}: ${first.director.name} has ${show(mine)}, ${second.director.name} has ${show(theirs)}.`,
        `The YAML has that of ${first.director.name}, for both.`,
      )
  }
}

function same(a: Parameters<typeof plain>[0] | undefined, b: Parameters<typeof plain>[0] | undefined): boolean {
  return JSON.stringify(a === undefined ? null : plain(a)) === JSON.stringify(b === undefined ? null : plain(b))
}

function show(value: Parameters<typeof plain>[0] | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(plain(value))
}

function putTransport(
  entry: Entries,
  present: readonly Present[],
  directors: readonly Director[],
  report: Report,
): void {
  const unicast = present.filter(({ router }) => router.peers.length > 0)
  const [first] = unicast
  if (!first) return
  const odd = present.find(({ router }) => router.peers.length === 0)
  if (odd)
    report(
      odd.router.node,
      'lost',
      'transport-differs',
      'One director speaks unicast, the other multicast: they do not hear each other.',
      'The YAML has unicast for both.',
    )
  put(entry, 'transport', 'unicast')
  const addresses = new Set(directors.flatMap(director => [...director.addresses]))
  const peers = unicast.flatMap(({ router }) => router.peers)
  const known = directors.length > 1 && peers.every(peer => addresses.has(peer.address))
  if (!known) put(entry, 'peers', items([...new Set(peers.map(peer => peer.address))]))
  // keepalived looks at no TTL on unicast unless told to; RFC 9568 5.1.1.3 wants 255, its IPv6 adverts leave with 64.
  const least = Math.min(...peers.map(peer => peer.minTtl ?? 1))
  put(entry, 'min_ttl', least, least === 1 ? { after: 'keepalived accepts any; 255 where no router lies between' } : {})
}

/** No tracking moves the priority of an owner: keepalived drops the weights. */
function dropWeights(entry: Entries, owner: Router | undefined, report: Report): void {
  const weighted = owner?.tracks.filter(track => track.weight !== 0) ?? []
  for (const track of weighted)
    report(
      track.node,
      'trap',
      'owner-weight',
      'Nothing moves the priority 255: keepalived ignores what is tracked with a weight.',
      'Left out.',
    )
  const track = entry.pairs.find(pair => pair.key === 'track')
  if (!track || typeof track.value !== 'object' || track.value.kind !== 'map') return
  for (const kind of track.value.pairs) {
    if (typeof kind.value !== 'object' || kind.value.kind !== 'map') continue
    const kept = kind.value.pairs.filter(({ value }) => JSON.stringify(plain(value)).includes('"weight":0'))
    kind.value.pairs.splice(0, kind.value.pairs.length, ...kept)
  }
  const left = track.value.pairs.filter(
    ({ value }) => typeof value !== 'object' || value.kind === 'list' || value.pairs.length > 0,
  )
  if (left.length > 0) track.value.pairs.splice(0, track.value.pairs.length, ...left)
  else entry.pairs.splice(entry.pairs.indexOf(track), 1)
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

type Found = { readonly service: Director['side']['services'][number] }

function matchServices(directors: readonly Director[], report: Report): Found[] {
  const [first, second] = directors
  if (!first) return []
  const mine = first.side.services
  if (!second) return mine.map(service => ({ service }))
  const key = (service: Found['service']) => serviceKeys(service).sort().join(' ')
  const theirs = new Map(second.side.services.map(service => [key(service), service]))
  for (const service of mine) {
    const twin = theirs.get(key(service))
    theirs.delete(key(service))
    if (!twin) onlyHere(service, second)
    else if (fingerprint(service) !== fingerprint(twin))
      report(
        twin.node,
        'lost',
        'directors-differ',
        `The two directors configure ${service.name} differently.`,
        `The YAML has that of ${first.name}, for both. Compare the two blocks.`,
      )
  }
  const rest = [...theirs.values()].filter(service => {
    const clash = mine.some(other => serviceKeys(other).some(one => serviceKeys(service).includes(one)))
    if (clash)
      report(
        service.node,
        'lost',
        'directors-differ',
        'Overlaps with a virtual server of the other director.',
        'Left out.',
      )
    else onlyHere(service, first)
    return !clash
  })
  return [...mine, ...rest].map(service => ({ service }))

  function onlyHere(service: Found['service'], missing: Director): void {
    report(
      service.node,
      'lost',
      'only-one-director',
      `${missing.name} does not have this virtual server.`,
      'In the YAML both directors have it.',
    )
  }
}

/** Everything that matters of a service, without places and comments. */
function fingerprint(service: Found['service']): string {
  const names = checkNames([service])
  const quiet = () => {}
  return JSON.stringify([
    plain(names.entries),
    serviceEntries(service, names, uniqueNames(), quiet).map(({ entry, notifies }) => [
      plain(entry),
      notifies.map(plain),
    ]),
  ])
}

function routerAlerts(directors: readonly Director[], names: ReadonlyMap<string, string>, report: Report): Entries[] {
  const found = new Map<string, Entries>()
  const [first] = directors
  for (const { side, name } of directors) {
    for (const { notify, router } of notifiesOf(side, names)) {
      const subject = `router ${router}`
      // The last argument that `notify` gets is the priority, which differs between directors.
      const key = JSON.stringify([
        subject,
        notify.argv,
        notify.to,
        notify.append?.slice(0, -1),
        notify.user,
        notify.group,
      ])
      if (found.has(key)) continue
      if (name !== first?.name && first?.side.routers.some(other => names.get(other.name) === router))
        report(
          notify.node,
          'lost',
          'directors-differ',
          `Only ${name} runs this program.`,
          'In the YAML both directors run it.',
        )
      found.set(key, notifyEntry(notify, subject))
    }
  }
  return [...found.values()]
}

/** Programs of instances, and of groups: those are told what their first member does. */
function notifiesOf(side: Director['side'], names: ReadonlyMap<string, string>): { notify: Notify; router: string }[] {
  const own = side.routers.flatMap(router =>
    router.notifies.map(notify => ({ notify, router: names.get(router.name) ?? router.name })),
  )
  const ofGroups = side.groups.flatMap(group => {
    const member = group.members.find(one => names.has(one))
    return member === undefined ? [] : group.notifies.map(notify => ({ notify, router: names.get(member) ?? member }))
  })
  return [...own, ...ofGroups]
}

function mailAlert(directors: readonly Director[], report: Report): Entries[] {
  const result: Entries[] = []
  for (const { side, name } of directors) {
    const { mail } = side.globals
    if (!mail) continue
    const routers = [...side.routers, ...side.groups].map(one => one.mail)
    const servers = side.services.flatMap(service => service.realServers.map(server => server.mail))
    const quorums = side.services.map(service => service.mailQuorum)
    const families = [
      ['vrrp.state', routers],
      ['server.*', servers],
      ['service.*', quorums],
    ] as const
    const events = families.flatMap(([event, wanted]) => (wanted.includes(true) ? [event] : []))
    const place = { file: side.file, line: side.routers[0]?.node.line ?? 1, statement: 'smtp_alert' }
    if (families.some(([, wanted]) => wanted.includes(true) && wanted.includes(false)))
      report(
        place,
        'note',
        'mail-scope',
        'Some send mail, others do not.',
        'The YAML sends mail about all of a kind; events can be chosen by name only.',
      )
    if (events.length === 0) continue
    const entry = entries()
    put(entry, 'mail', mailEntry(mail), { rest: mail.nodes.flatMap(node => [node, ...descendants(node)]) })
    put(entry, 'events', items(events))
    if (result.some(other => same(other, entry))) continue
    if (result.length > 0)
      report(
        place,
        'lost',
        'directors-differ',
        `${name} sends other mail than the other director.`,
        'The YAML sends both, from both directors.',
      )
    result.push(entry)
  }
  return result
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
