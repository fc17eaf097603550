import type { Op } from './plan.js'
import { type Server, type Service, serverKey, serviceKey, type Table } from './table.js'

/** What the table is after these operations succeeded, one after another. Pure: `table` stays as it was. */
export function applyOps(table: Table, ops: readonly Op[]): Table {
  if (ops.length === 0) return table
  const result = new Map<string, { service: Service; servers: ReadonlyMap<string, Server> }>(table)
  const copied = new Map<string, Map<string, Server>>()

  function serversOf(key: string): Map<string, Server> {
    const own = copied.get(key) ?? new Map(result.get(key)?.servers)
    copied.set(key, own)
    return own
  }

  for (const op of ops) {
    const key = serviceKey(op.service.id)
    switch (op.op) {
      case 'remove-service':
        result.delete(key)
        copied.delete(key)
        break
      case 'add-service':
      case 'edit-service':
        result.set(key, { service: op.service, servers: serversOf(key) })
        break
      case 'add-server':
      case 'edit-server':
        serversOf(key).set(serverKey(op.server), op.server)
        result.set(key, { service: result.get(key)?.service ?? op.service, servers: serversOf(key) })
        break
      case 'remove-server':
        serversOf(key).delete(serverKey(op.server))
        result.set(key, { service: result.get(key)?.service ?? op.service, servers: serversOf(key) })
        break
    }
  }
  return result
}
