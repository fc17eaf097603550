import { sameServer, sameService } from './same.js'
import type { Server, Service, Table } from './table.js'

/** One operation on the kernel table. `before` is what an edit replaces. */
export type Op =
  | { readonly op: 'add-service' | 'remove-service'; readonly service: Service }
  | { readonly op: 'edit-service'; readonly service: Service; readonly before: Service }
  | { readonly op: 'add-server' | 'remove-server'; readonly service: Service; readonly server: Server }
  | { readonly op: 'edit-server'; readonly service: Service; readonly server: Server; readonly before: Server }

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
        const edit: Op = { op: 'edit-server', service, server, before }
        ;(lowers ? tearDown : build).push(edit)
      }
    }
    for (const [id, server] of have?.servers ?? [])
      if (!servers.has(id)) tearDown.push({ op: 'remove-server', service, server })
  }
  for (const [key, { service }] of actual) if (!desired.has(key)) tearDown.push({ op: 'remove-service', service })
  return [...build, ...tearDown]
}
