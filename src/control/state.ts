import { join } from 'node:path'
import type { Config } from '../../config/config.js'
import type { Alerter } from '../alerts/alerter.js'
import type { EventStore } from '../events/store.js'
import type { Event, Override, RouterStatus, ServiceStatus, TableReport } from '../messages.js'
import type { PeerView } from '../peer/view.js'
import { snapshot } from '../status/snapshot.js'
import type { Status } from '../status/status.js'
import { version } from '../version.js'
import { current, type Orders } from './behind.js'
import { active } from './overrides.js'
import type { createProcesses } from './processes.js'

/** All that the control process knows; one object, changed only by src/process/control.ts and its handlers. */
export type State = {
  config: Config
  generation: number
  loadedAt: number
  refused: { readonly at: number; readonly text: string } | undefined
  differs: boolean
  confirm: { readonly until: number; readonly before: Config } | undefined
  orders: Orders
  overrides: readonly Override[]
  readonly routers: Map<string, RouterStatus>
  readonly services: Map<string, ServiceStatus>
  table: TableReport
  readonly processes: ReturnType<typeof createProcesses>
  readonly events: EventStore
  alerter: Alerter
  peers: () => readonly PeerView[]
  /** Client paths that this director finds broken, for the others. */
  brokenPaths: readonly number[] | undefined
  readonly storage: Map<string, string>
  readonly file: string
  readonly startedAt: number
}

export const noTable: TableReport = { complete: false, repairs: 0, foreign: 0 }

/** The one status object, as of now. */
export function statusOf(state: State, now = Date.now()): Status {
  const { config, confirm, refused } = state
  const orders = current(state.orders, now)
  const maintenance = orders['*']
  const trouble = state.events.trouble()
  const names = new Set(config.services.map(service => service.name))
  return snapshot({
    node: config.node.name,
    version,
    pid: process.ppid,
    at: now,
    since: state.startedAt,
    config: {
      file: state.file,
      hash: config.hash,
      generation: state.generation,
      loadedAt: state.loadedAt,
      ...(refused ? { refused } : {}),
      ...(state.differs ? { differs: true } : {}),
      ...(confirm ? { confirmUntil: confirm.until } : {}),
    },
    ...(maintenance ? { maintenance } : {}),
    routers: [...state.routers.values()],
    services: config.services.flatMap(({ name }) => (names.has(name) ? (state.services.get(name) ?? []) : [])),
    overrides: active(state.overrides, now),
    peerChannel: config.peerKeyFile === undefined ? 'off' : 'on',
    peers: state.peers(),
    alerts: state.alerter.queue(),
    processes: state.processes.list(),
    table: state.table,
    storage: [...(trouble ? [`events are not kept: ${trouble}`] : []), ...state.storage.values()],
  })
}

export const overridesFile = (folder: string) => join(folder, 'overrides.json')
export const ordersFile = (folder: string) => join(folder, 'behind.json')

/** An event of the control process itself. */
export function event(name: string, level: Event['level'], subject: string, text: string, data?: Event['data']): Event {
  return { at: Date.now(), name, level, subject, text, ...(data ? { data } : {}) }
}
