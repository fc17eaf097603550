import { fastKey } from './fast-key.js'
import type { FastServer, FastTable } from './ports.js'
import type { Server, Table } from './table.js'

/**
 * The services whose quick view is not what we expect: only these are worth asking the kernel about. `named` are
 * services that shall be there; one that we do not expect (its creation failed) but see is worth a look, too.
 */
export function suspects(expected: Table, fast: FastTable, named: Iterable<string>): Set<string> {
  const wrong = new Set<string>()
  for (const [key, group] of families(expected)) {
    const seen = fast.get(key)
    const servers = group.length === 1 ? group[0]?.servers : joined(group)
    const scheduler = group.length === 1 ? group[0]?.scheduler : ''
    if (!seen || !servers || seen.scheduler !== scheduler || !alike(servers, seen.servers))
      for (const { name } of group) wrong.add(name)
  }
  for (const name of named) if (!expected.has(name) && fast.has(fastKey(name))) wrong.add(name)
  return wrong
}

type Expected = {
  readonly name: string
  readonly scheduler: string
  readonly servers: ReadonlyMap<string, Server>
}

/** Services under the key that the quick view has for them: both families of a mark share one. */
function families(expected: Table): Map<string, Expected[]> {
  const groups = new Map<string, Expected[]>()
  for (const [name, { service, servers }] of expected) {
    const key = fastKey(name)
    const one = { name, scheduler: service.settings.scheduler, servers }
    const group = groups.get(key)
    if (group) group.push(one)
    else groups.set(key, [one])
  }
  return groups
}

function joined(group: readonly Expected[]): ReadonlyMap<string, Server> {
  return new Map(group.flatMap(({ servers }) => [...servers]))
}

function alike(servers: ReadonlyMap<string, Server>, seen: ReadonlyMap<string, FastServer>): boolean {
  if (servers.size !== seen.size) return false
  for (const [key, { settings }] of servers) {
    const found = seen.get(key)
    if (!found || found.weight !== settings.weight || found.forward !== settings.forward) return false
  }
  return true
}
