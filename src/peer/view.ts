import type { Epoch, RouterState } from '../messages.js'

/** What a director says of itself to the others, once a second and at every change. */
export type PeerReport = {
  readonly version: string
  readonly configHash: string
  readonly generation: number
  /** Its table is complete: it could take over without programming. */
  readonly tableReady: boolean
  /** Connection sync is running, where it is configured. */
  readonly syncReady: boolean
  /** Left by order: not a candidate. */
  readonly maintenance: boolean
  readonly routers: readonly PeerRouter[]
  /** Marks of the client paths that it finds broken (`client_path`); absent: it probes none. */
  readonly brokenPaths?: readonly number[]
}

export type PeerRouter = {
  readonly name: string
  readonly vrid: number
  readonly state: RouterState
  /** As it advertises, or would. */
  readonly priority: number
  /** Where its adverts come from, or would: not always an address of the file (IPv6 link-local, another interface). */
  readonly source?: string
}

/** never: not heard since we started. silent: heard once, but not for three seconds. */
export type PeerState = 'fresh' | 'silent' | 'never'

/** What we know of one other director. Without a report every column of it is unknown. */
export type PeerView = {
  readonly name: string
  readonly addresses: readonly string[]
  readonly state: PeerState
  readonly lastHeard?: Epoch
  /** The address it was last heard from. */
  readonly from?: string
  readonly report?: PeerReport
  /** Its configuration differs from ours since then. */
  readonly mismatchSince?: Epoch
}

/** Whether a director could take over now: heard, table complete, not sent away, at least one router not in fault. */
export function ready({ state, report }: PeerView): boolean {
  if (state !== 'fresh' || !report) return false
  const { tableReady, maintenance, routers } = report
  const able = routers.length === 0 || routers.some(router => router.state === 'backup' || router.state === 'master')
  return tableReady && !maintenance && able
}
