import type { EventStore } from '../events/store.js'
import type { Epoch, Event, Override } from '../messages.js'
import type { Explanation } from '../status/explain.js'
import type { Status } from '../status/status.js'

/** What the API needs of the control process. */
export interface ApiHandlers {
  status(): Status
  /** How long an override holds that does not say, ms. */
  overrideLimit(): number
  readonly events: Pick<EventStore, 'recent' | 'after' | 'follow'>
  explain(subject: string): Promise<Reply<Explanation>>
  /** @param candidate a configuration that the client has loaded; absent: the file on disk */
  plan(candidate?: unknown): Promise<Reply<PlanAnswer>>
  /** Resolves when it is applied. @param request.confirm rolls back after so many ms unless confirmed */
  reload(request: { readonly confirm?: number }, by: By): Promise<Reply<Change>>
  confirm(by: By): Promise<Reply<Change>>
  override(request: OverrideRequest, by: By): Promise<Reply<Change>>
  /** Ends every override of the real servers that the name fits. */
  endOverride(request: { readonly server: string }, by: By): Promise<Reply<Change>>
  failover(request: FailoverRequest, by: By): Promise<Reply<Change>>
  maintenance(request: MaintenanceRequest, by: By): Promise<Reply<Change>>
  restart(by: By): Promise<Reply<Change>>
  stop(request: { readonly clear: boolean }, by: By): Promise<Reply<Change>>
  /** A report for checks of kind `push`. */
  push(report: PushReport): Promise<Reply<unknown>>
  /** Keeps the record of a change, or of a refused one. */
  audit(event: Event): void
}

/** Who asks, and why: the peer's uid on a socket, the token's name on TCP. */
export type By = { readonly author: string; readonly reason?: string }

export type Reply<T> = { readonly value: T } | { readonly error: Refusal }

export type Refusal = { readonly code: RefusalCode; readonly text: string; readonly details?: unknown }

/**
 * invalid: the request makes no sense. not-found: what it names does not exist. refused: it makes sense, but not now
 * (no other director is ready). config: the configuration is not valid. busy: another change is under way.
 * unavailable: the process that must answer does not. internal: our own mistake.
 */
export type RefusalCode = 'invalid' | 'not-found' | 'refused' | 'config' | 'busy' | 'unavailable' | 'internal'

/** What a change did, for the answer and for the audit. */
export type Change = {
  /** One sentence for a person. */
  readonly text: string
  readonly before?: unknown
  readonly after?: unknown
  /** The real servers, routers or services that it touched. */
  readonly touched?: readonly string[]
  /** It holds, but not in all that was asked for: it could not be kept for a restart, and why. */
  readonly warnings?: readonly string[]
  readonly details?: unknown
}

export type PlanAnswer = {
  readonly changes: boolean
  /** For a person, as `lvskeeper plan` prints it. */
  readonly text: string
  /** The table's part as ipvsadm lines. */
  readonly ipvsadm: readonly string[]
  /** The kernel settings that would change, with the value found and why. */
  readonly sysctls: readonly string[]
  /** Why the kernel's table cannot be read: what would change there is not known. */
  readonly unreadable?: string
  readonly details?: unknown
}

export type OverrideRequest = {
  /** `SERVICE/ADDRESS[:PORT]`, or a bare address for every service that has it. */
  readonly server: string
  readonly verb: Override['verb']
  readonly weight?: number
  /** Absent: until it is ended. */
  readonly until?: Epoch
  /** As in `Override`. */
  readonly deadline?: Epoch
  readonly activeOnly?: true
}

export type PushReport = { readonly id: string; readonly passed: boolean; readonly text?: string }
export type FailoverRequest = { readonly router: string; readonly back: boolean; readonly force: boolean }
export type MaintenanceRequest = { readonly on: boolean; readonly force: boolean; readonly until?: Epoch }
