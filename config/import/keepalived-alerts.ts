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
    notifyEntry(notify, `router ${router}`, by.length < carriers(router) ? by : undefined),
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

export function mailAlert(directors: readonly Director[], report: Report): Entries[] {
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
        'The YAML sends mail about all of a kind; `for:` of the alert names those that are meant.',
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
