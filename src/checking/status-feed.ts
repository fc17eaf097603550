import { fastKey } from '../ipvs/fast-key.js'
import { serviceKey } from '../ipvs/table.js'
import type { ServiceStatus } from '../messages.js'
import type { createArpLeaks } from './arp-leaks.js'
import type { MassFailure } from './mass-failure.js'
import type { Checks, Pool } from './pool.js'
import { createPublisher } from './publisher.js'
import { serviceStatus } from './service-status.js'
import { createStale } from './stale.js'
import type { createStuckHandshakes } from './stuck-handshakes.js'
import type { TableKeeper } from './table-keeper.js'

/** What the status of a virtual server is made of. */
export interface StatusParts {
  readonly pool: Pool
  readonly checks: Checks
  readonly table: Pick<TableKeeper, 'state' | 'services' | 'since'>
  readonly held: Pick<MassFailure, 'held' | 'reason'>
  leaks(): Pick<ReturnType<typeof createArpLeaks>, 'of'>
  stuck(): Pick<ReturnType<typeof createStuckHandshakes>, 'of'>
}

/** The status of each virtual server for control: at once what turned, and within seconds what only went on. */
export function createStatusFeed(
  { pool, checks, table, held, leaks, stuck }: StatusParts,
  send: (services: readonly ServiceStatus[], removed: readonly string[]) => void,
) {
  const startedAt = Date.now()
  const stale = createStale(name => [
    table.services()?.get(name),
    ...(pool.services().get(name)?.config.ids ?? []).map(id => table.state()?.fast?.get(fastKey(serviceKey(id)))),
  ])
  const { publish, refresh, removed, again } = createPublisher(name => {
    const outcome = table.services()?.get(name)
    const more = { held, leaks: leaks().of(name), stuck: stuck().of }
    return serviceStatus(name, pool, checks, outcome, table.state()?.fast, table.since(name) ?? startedAt, more)
  }, send)

  return {
    publish,
    again,
    /** A check has a new result. */
    heard: stale.heard,
    /** Tells what has gone on since the last time. */
    refresh: (): void => refresh(stale.take(pool.services().keys(), pool.namesOf)),
    removed(name: string): void {
      stale.forget(name)
      removed(name)
    },
  }
}
