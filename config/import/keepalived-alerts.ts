import type { Report } from './finding.js'
import { descendants } from './keepalived-block.js'
import { same } from './keepalived-compare.js'
import type { Director } from './keepalived-directors.js'
import { mailEntry } from './keepalived-globals.js'
import { type Notify, notifyEntry } from './keepalived-notify.js'
import { type Entries, entries, items, put } from './yaml-writer.js'

/** The programs of all directors; one that not every director of the router runs in the same words names its own. */
export function routerAlerts(directors: readonly Director[], names: ReadonlyMap<string, string>): Entries[] {
  const found = new Map<string, { notify: Notify; router: string; by: string[] }>()
  for (const { side, name } of directors)
    for (const { notify, router } of notifiesOf(side, names)) {
      const { argv, to, append, user, group } = notify
      const key = JSON.stringify([router, argv, to, append, user, group])
      const same = found.get(key) ?? { notify, router, by: [] }
      if (!same.by.includes(name)) same.by.push(name)
      found.set(key, same)
    }
  const carriers = (router: string) =>
    directors.filter(({ side }) => side.routers.some(other => names.get(other.name) === router)).length
  return [...found.values()].map(({ notify, router, by }) =>
    notifyEntry(notify, `router ${router}`, { directors: by.length < carriers(router) ? by : undefined }),
  )
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

/** Mail of all directors; what not every director sends names its own. */
export function mailAlerts(
  directors: readonly Director[],
  names: ReadonlyMap<string, string>,
  report: Report,
): Entries[] {
  const found: { readonly entry: Entries; readonly by: string[] }[] = []
  for (const { side, name } of directors)
    for (const entry of mailOf(side, names, report)) {
      const other = found.find(known => same(known.entry, entry))
      if (other) other.by.push(name)
      else found.push({ entry, by: [name] })
    }
  for (const { entry, by } of found) if (by.length < directors.length) put(entry, 'directors', items(by))
  return found.map(({ entry }) => entry)
}

/** Mail of one director: one alert for all of a kind, another for the virtual routers where only some send it. */
function mailOf(side: Director['side'], names: ReadonlyMap<string, string>, report: Report): Entries[] {
  const { mail } = side.globals
  if (!mail) return []
  const routers = [...side.routers, ...side.groups].map(one => one.mail)
  const servers = side.services.flatMap(service => service.realServers.map(server => server.mail))
  const quorums = side.services.map(service => service.mailQuorum)
  const mixed = (wanted: readonly boolean[]) => wanted.includes(true) && wanted.includes(false)
  if (mixed(servers) || mixed(quorums))
    report(
      { file: side.file, line: side.routers[0]?.node.line ?? 1, statement: 'smtp_alert' },
      'note',
      'mail-scope',
      'Some virtual or real servers send mail, others do not.',
      'The YAML sends mail about all of a kind; `for:` of the alert names those that are meant.',
    )
  const families = [
    ['vrrp.state', mixed(routers) ? [] : routers],
    ['server.*', servers],
    ['service.*', quorums],
  ] as const
  const all = families.flatMap(([event, wanted]) => (wanted.includes(true) ? [event] : []))
  const some = mixed(routers) ? routersWithMail(side, names) : []
  const comments = { rest: mail.nodes.flatMap(node => [node, ...descendants(node)]) }
  return [
    ...(all.length > 0 ? [{ events: all }] : []),
    ...(some.length > 0 ? [{ events: ['vrrp.state'], about: some }] : []),
  ].map(({ events, about }: { events: readonly string[]; about?: readonly string[] }, index) => {
    const entry = entries()
    put(entry, 'mail', mailEntry(mail), index === 0 ? comments : {})
    put(entry, 'events', items(events))
    if (about) put(entry, 'for', items(about))
    return entry
  })
}

/** Those that send mail themselves, and the members of groups that do. */
function routersWithMail({ routers, groups }: Director['side'], names: ReadonlyMap<string, string>): string[] {
  const own = routers.filter(({ mail }) => mail).map(({ name }) => name)
  const members = groups.filter(({ mail }) => mail).flatMap(group => group.members)
  return [...new Set([...own, ...members])].flatMap(name => {
    const ours = names.get(name)
    return ours === undefined ? [] : [`router ${ours}`]
  })
}
