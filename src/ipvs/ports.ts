import type { SyncDaemon, SyncRole, Timeouts } from './daemon.js'
import type { Op } from './plan.js'
import type { Forward, ServiceId, Table } from './table.js'

/** What the table manager needs of its surroundings. Implemented in src/linux, faked in test/fakes. */

/** Monotonic milliseconds. */
export type Millis = number

export interface Clock {
  now(): Millis
  /** Calls `wake` once at or after `deadline`. Returns the cancellation. */
  at(deadline: Millis, wake: () => void): () => void
}

/** What one quick read tells of a real server. */
export type FastServer = {
  readonly forward: Forward
  readonly weight: number
  readonly active: number
  readonly inactive: number
}

/**
 * The quick view of the kernel table, from one read: by `fastKey` (a mark's family is not in it), servers by
 * `serverKey`. `scheduler` is `''` where services of both families share a mark.
 */
export type FastTable = ReadonlyMap<
  string,
  { readonly scheduler: string; readonly servers: ReadonlyMap<string, FastServer> }
>

export type KernelGlobals = { readonly timeouts: Timeouts; readonly daemons: readonly SyncDaemon[] }

export type GlobalOp =
  | { readonly op: 'set-timeouts'; readonly timeouts: Timeouts }
  | { readonly op: 'start-daemon'; readonly daemon: SyncDaemon }
  | { readonly op: 'stop-daemon'; readonly role: SyncRole }

export interface Kernel {
  /** What the kernel has of these services. Rejects when it cannot be asked. */
  list(ids: readonly ServiceId[]): Promise<Table>
  /** Services, servers, weights and connection counts from one cheap read. */
  listFast(): Promise<FastTable>
  /** Carries out the operations in order. One entry per operation: undefined, or the errno's name. Never rejects. */
  apply(ops: readonly Op[]): Promise<readonly (string | undefined)[]>
  globals(): Promise<KernelGlobals>
  applyGlobals(ops: readonly GlobalOp[]): Promise<readonly (string | undefined)[]>
}

/** What outlives the process: which services we made, and why a real server has weight 0. */
export type JournalContent = {
  /** Keys of services that lvskeeper added to the kernel. */
  readonly services: readonly string[]
  /** `service key|server key` -> why its weight is 0. */
  readonly quiet: Readonly<Record<string, QuietReason>>
  /** Sync daemons that lvskeeper started. */
  readonly daemons: readonly SyncRole[]
}
export type QuietReason = 'down' | 'drain' | 'maint' | 'standby' | 'weight'

export interface Journal {
  /** Empty when there is none; a damaged one counts as none. */
  read(): Promise<JournalContent>
  /** Atomic: after a crash there is the old one or the new one. */
  write(content: JournalContent): Promise<void>
}
