import { misplaced } from './order.js'
import { sameServer, sameService } from './same.js'
import type { Server, Service, Table } from './table.js'

/** One operation on the kernel table. `before` is what an edit replaces. */
export type Op =
  | { readonly op: 'add-service' | 'remove-service'; readonly service: Service }
  | { readonly op: 'edit-service'; readonly service: Service; readonly before: Service }
  | { readonly op: 'add-server' | 'remove-server'; readonly service: Service; readonly server: Server }
  | {
      readonly op: 'edit-server'
      readonly service: Service
      readonly server: Server
      readonly before: Server
      /** Taken out and put back at once, with its connections: mh forgets its share of the clients only then. */
      readonly again?: true
    }
  /** Takes these out and puts them back at once, with their connections, one after the other: see order.ts. */
  | { readonly op: 'order-servers'; readonly service: Service; readonly servers: readonly Server[] }

/**
 * The kernel operations, in order, that turn `actual` into `desired`. What takes clients comes first, what sends them
 * away last: adds and raised weights, then lowered weights and removals, so no service is empty on the way.
 */
export function plan(desired: Table, actual: Table): Op[] {
  const build: Op[] = []
  const tearDown: Op[] = []
  for (const [key, entry] of desired) {
    const have = actual.get(key)
    // The same object cannot differ: of tens of thousands of real servers only what changed is compared.
    if (have === entry) continue
    const { service, servers } = entry
    if (!have) build.push({ op: 'add-service', service })
    else if (!sameService(have.service, service)) build.push({ op: 'edit-service', service, before: have.service })
    for (const [id, server] of servers) {
      const before = have?.servers.get(id)
      if (before === server) continue
      if (!before) build.push({ op: 'add-server', service, server })
      else if (!sameServer(before, server)) {
        const lowers = server.settings.weight < before.settings.weight
        const edit: Op = { op: 'edit-server', service, server, before, ...again(service, server, before) }
        ;(lowers ? tearDown : build).push(edit)
      }
    }
    const moved = have ? misplaced(entry, have) : []
    if (moved.length > 0) build.push({ op: 'order-servers', service, servers: moved })
    for (const [id, server] of have?.servers ?? [])
      if (!servers.has(id)) tearDown.push({ op: 'remove-server', service, server })
  }
  for (const [key, { service }] of actual) if (!desired.has(key)) tearDown.push({ op: 'remove-service', service })
  return [...build, ...tearDown]
}

/** ip_vs_mh.c shares clients out by the last weight above 0, and then finds nobody for those of a real server with 0. */
function again({ settings }: Service, server: Server, before: Server): { again?: true } {
  return settings.scheduler === 'mh' && server.settings.weight === 0 && before.settings.weight > 0
    ? { again: true }
    : {}
}
