import { fastKey } from './fast-key.js'
import { hasPlace, isOrdered } from './order.js'
import type { FastServer, FastTable } from './ports.js'
import type { Server, Service, Table } from './table.js'

/** Finds the services whose quick view is not what we expect: only these are worth asking the kernel about. */
export type Suspicion = (expected: Table, fast: FastTable, named: Iterable<string>) => Set<string>

/**
 * Remembers which pairs it compared: a service that is the same object as a second ago, and looked the same then, is
 * not compared again. `named` are services that shall be there; one that we do not expect (its creation failed) but
 * see is worth a look, too.
 */
export function suspicion(): Suspicion {
  let compared = new Map<string, readonly [unknown, unknown]>()
  /** The last two of which nothing was wrong. */
  let fine: readonly [unknown, unknown] | undefined

  return (expected, fast, named) => {
    if (fine?.[0] === expected && fine[1] === fast) return unexpected(expected, fast, named)
    const wrong = unexpected(expected, fast, named)
    const now = new Map<string, readonly [unknown, unknown]>()
    const shared = sharedMarks(expected)
    for (const [name, entry] of expected) {
      const key = fastKey(name)
      const seen = fast.get(key)
      const group = shared.get(key)
      const before = compared.get(name)
      if (!group && before && before[0] === entry && before[1] === seen) {
        now.set(name, before)
        continue
      }
      const servers = group ? joined(group) : entry.servers
      const scheduler = group ? '' : entry.service.settings.scheduler
      const right =
        seen?.scheduler === scheduler &&
        alike(servers, seen.servers) &&
        (group !== undefined || sameOrder(entry.service, servers, seen.servers))
      if (right) now.set(name, [entry, seen])
      else wrong.add(name)
    }
    compared = now
    fine = now.size === expected.size ? [expected, fast] : undefined
    return wrong
  }
}

function unexpected(expected: Table, fast: FastTable, named: Iterable<string>): Set<string> {
  const found = new Set<string>()
  for (const name of named) if (!expected.has(name) && fast.has(fastKey(name))) found.add(name)
  return found
}

type Entry = { readonly servers: ReadonlyMap<string, Server> }

/** Services of both families of one mark, which the quick view does not tell apart: it has them under one key. */
function sharedMarks(expected: Table): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>()
  for (const [name, entry] of expected) {
    if (!name.startsWith('mark ')) continue
    const group = groups.get(fastKey(name))
    if (group) group.push(entry)
    else groups.set(fastKey(name), [entry])
  }
  for (const [key, group] of groups) if (group.length === 1) groups.delete(key)
  return groups
}

function joined(group: readonly Entry[]): ReadonlyMap<string, Server> {
  const all = new Map<string, Server>()
  for (const { servers } of group)
    for (const [key, server] of servers) {
      // The quick view has the larger weight of one that is in both.
      const other = all.get(key)
      if (!other || other.settings.weight < server.settings.weight) all.set(key, server)
    }
  return all
}

function alike(servers: ReadonlyMap<string, Server>, seen: ReadonlyMap<string, FastServer>): boolean {
  if (servers.size !== seen.size) return false
  for (const [key, { settings }] of servers) {
    const found = seen.get(key)
    if (!found || found.weight !== settings.weight || found.forward !== settings.forward) return false
  }
  return true
}

/** Where the order of the real servers decides who serves a client (order.ts). */
function sameOrder(
  service: Service,
  servers: ReadonlyMap<string, Server>,
  seen: ReadonlyMap<string, FastServer>,
): boolean {
  if (!isOrdered(service.settings.scheduler)) return true
  const placed = [...servers].flatMap(([key, server]) => (hasPlace(service, server) ? [key] : []))
  let at = 0
  for (const key of seen.keys()) if (key === placed[at]) at++
  return at === placed.length
}
