import type { Op } from './plan.js'
import { type Server, type Service, serverKey, serviceKey, type Table } from './table.js'

/** What the table is after these operations succeeded, one after another. Pure: `table` stays as it was. */
export function applyOps(table: Table, ops: readonly Op[]): Table {
  if (ops.length === 0) return table
  const result = new Map<string, { service: Service; servers: ReadonlyMap<string, Server> }>(table)
  const touched = new Map<string, { readonly old: Map<string, Server>; readonly fresh: Map<string, Server> }>()

  function serversOf(key: string) {
    const own = touched.get(key) ?? { old: new Map(result.get(key)?.servers), fresh: new Map<string, Server>() }
    touched.set(key, own)
    return own
  }

  function add(key: string, server: Server): void {
    const { old, fresh } = serversOf(key)
    const name = serverKey(server)
    old.delete(name)
    fresh.delete(name)
    fresh.set(name, server)
  }

  for (const op of ops) {
    const key = serviceKey(op.service.id)
    if (op.op === 'remove-service') {
      result.delete(key)
      touched.delete(key)
      continue
    }
    const { old, fresh } = serversOf(key)
    switch (op.op) {
      case 'add-service':
      case 'edit-service':
        result.set(key, { service: op.service, servers: new Map() })
        break
      case 'add-server':
        add(key, op.server)
        break
      case 'order-servers':
        for (const server of op.servers) add(key, server)
        break
      case 'edit-server': {
        const name = serverKey(op.server)
        if (op.again) add(key, op.server)
        else (fresh.has(name) ? fresh : old).set(name, op.server)
        break
      }
      case 'remove-server':
        for (const part of [old, fresh]) part.delete(serverKey(op.server))
        break
    }
    if (!result.has(key)) result.set(key, { service: op.service, servers: new Map() })
  }
  for (const [key, { old, fresh }] of touched) {
    const service = result.get(key)?.service
    // The kernel's list has the newest first.
    if (service)
      result.set(key, { service, servers: fresh.size === 0 ? old : new Map([...[...fresh].reverse(), ...old]) })
  }
  return result
}
