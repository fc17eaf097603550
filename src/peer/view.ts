import type { Epoch, RouterState } from '../messages.js'

/** What a director says of itself to the others, once a second and at every change. */
export type PeerReport = {
  readonly version: string
  readonly configHash: string
  /** Keyed with the peer key: tells who does not have it nothing. Absent: no file of secrets. */
  readonly secrets?: string
  readonly generation: number
  /** Its table is complete: it could take over without programming. */
  readonly tableReady: boolean
  /** The kernel does not refuse connection sync, or none is wanted: connections of the others go on there. */
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
  /** Its configuration is ours, but the passwords and keys in the files that it names are not. */
  readonly secretsDiffer?: true
}

/** Whether a director could take over now without loss: heard, table complete, sync running, not sent away, at least one router not in fault. */
export function ready(peer: PeerView): boolean {
  return unreadiness(peer) === undefined
}

/** Why a director could not take over now; undefined: it could. */
export function unreadiness({ state, report }: PeerView): string | undefined {
  if (state !== 'fresh' || !report) return state === 'never' ? 'never heard' : 'silent'
  const { tableReady, syncReady, maintenance, routers } = report
  if (maintenance) return 'in maintenance'
  if (!tableReady) return 'its table is not complete'
  if (!syncReady) return 'its connection sync does not run'
  const able = routers.length === 0 || routers.some(router => router.state === 'backup' || router.state === 'master')
  return able ? undefined : 'its virtual routers are in fault'
}
