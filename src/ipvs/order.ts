import { addressBytes } from './address.js'
import type { Scheduler, Server, Service } from './table.js'

/**
 * Schedulers that give clients to real servers by a hash fill their table walking the kernel's list of real servers, in which
 * the newest comes first (ip_vs_mh_populate, ip_vs_sh_reassign, ip_vs_dh_reassign). Two directors send a client to the same
 * real server only where their lists have one order. So it has one: by address and port, the highest first, as if all had
 * been added in ascending order. The real servers of such a service are in the kernel's order wherever a table has them.
 */
export function isOrdered(scheduler: Scheduler): boolean {
  return scheduler === 'mh' || scheduler === 'sh' || scheduler === 'dh'
}

/** The same real servers in the one order. */
export function inOrder(servers: ReadonlyMap<string, Server>): Map<string, Server> {
  const sorted = [...servers].map(([key, server]) => ({ key, server, by: sortKey(server) }))
  sorted.sort((a, b) => (a.by < b.by ? 1 : -1))
  return new Map(sorted.map(({ key, server }) => [key, server]))
}

function sortKey({ address, port }: Server): string {
  const bytes = addressBytes(address)
  return `${bytes.length.toString(36)}${Buffer.from(bytes).toString('hex')}${port.toString(16).padStart(4, '0')}`
}

/**
 * Whether the place of a real server matters: mh leaves out what came with weight 0. Those that got it later keep their
 * share, so lvskeeper takes them out and puts them back (`again` in plan.ts).
 */
export function hasPlace({ settings }: Service, server: Server): boolean {
  return settings.scheduler !== 'mh' || server.settings.weight > 0
}

/**
 * Which of the wanted real servers must be taken out and put back, one after the other, for the list to be in order: each
 * goes to its head. The rest stays: the longest end of the wanted order that the list has already.
 */
export function misplaced({ service, servers }: Entry, actual: Entry): Server[] {
  if (!isOrdered(service.settings.scheduler)) return []
  const known = isKnown(service, actual.service)
  const order = [...servers].filter(([key, server]) => actual.servers.has(key) && (!known || hasPlace(service, server)))
  return order
    .slice(0, settledFrom(order, known ? actual.servers : new Map()))
    .reverse()
    .map(([, server]) => server)
}

type Entry = { readonly service: Service; readonly servers: ReadonlyMap<string, Server> }

/**
 * Whether the order that a table has of a service is the kernel's. Of one with another kind of scheduler nobody kept it; and
 * when it becomes mh, its real servers with weight 0 would have a share (`hasPlace`): then all are moved.
 */
export function isKnown(wanted: Service, actual: Service): boolean {
  const [next, now] = [wanted.settings.scheduler, actual.settings.scheduler]
  return isOrdered(now) && (next !== 'mh' || now === 'mh')
}

/** From which place on `order` stands in the list as it shall. */
export function settledFrom(order: readonly (readonly [string, Server])[], list: ReadonlyMap<string, Server>): number {
  if (list.size === 0) return order.length
  const places = new Map([...list.keys()].map((key, at) => [key, at]))
  let behind = Number.POSITIVE_INFINITY
  let from = order.length
  for (const [key] of [...order].reverse()) {
    const place = places.get(key)
    if (place === undefined || place > behind) break
    behind = place
    from--
  }
  return from
}

/** Whether two tables list the real servers of a service alike, those without a place as well; true where that means nothing. */
export function sameOrder(a: Entry, b: Entry): boolean {
  if (!isOrdered(b.service.settings.scheduler) || a.servers === b.servers) return true
  const keys = b.servers.keys()
  for (const key of a.servers.keys()) if (keys.next().value !== key) return false
  return keys.next().done === true
}
