import type { ChannelStatus } from '../alerts/alert.js'
import type { Epoch, EventLevel, Override, Role, RouterStatus, ServiceStatus, Spare } from '../messages.js'
import type { PeerView } from '../peer/view.js'

/** Everything about one director that a person or a program may ask for; `status --json` prints exactly this. */
export type Status = {
  readonly node: string
  readonly version: string
  /** Of the parent process. */
  readonly pid: number
  /** When this was put together, and since when the director runs. */
  readonly at: Epoch
  readonly since: Epoch
  readonly config: ConfigStatus
  readonly maintenance?: Maintenance
  readonly routers: readonly RouterStatus[]
  readonly services: readonly ServiceStatus[]
  readonly overrides: readonly Override[]
  /** off: no key file; the other directors are known by their adverts only. */
  readonly peerChannel: 'on' | 'off'
  readonly peers: readonly PeerView[]
  readonly alerts: readonly ChannelStatus[]
  readonly processes: readonly ProcessStatus[]
  readonly table: TableStatus
  /** Things that could not be kept on disk, in words. */
  readonly storage: readonly string[]
  /** What is different from normal, the gravest first. */
  readonly notices: readonly Notice[]
}

export type ConfigStatus = {
  readonly file: string
  readonly hash: string
  readonly generation: number
  readonly loadedAt: Epoch
  /** Why the last reload was refused; absent once one was applied. */
  readonly refused?: { readonly at: Epoch; readonly text: string }
  /** The file on disk is not the one that runs. */
  readonly differs?: boolean
  /** Rolled back then, unless confirmed. */
  readonly confirmUntil?: Epoch
}

export type Maintenance = {
  readonly author: string
  readonly reason?: string
  readonly at: Epoch
  readonly until?: Epoch
}

export type ProcessStatus = {
  readonly role: Role | 'parent'
  readonly state: 'running' | 'starting' | 'dead'
  readonly pid?: number
  readonly since: Epoch
  readonly restarts: number
  /** Why it died the last time, and when. */
  readonly died?: { readonly at: Epoch; readonly reason: string }
  /** It has not answered since then: stopped, hung, or without processor. What is shown of its work is of that time. */
  readonly silentSince?: Epoch
  /** Longest stall of its loop lately, ms. */
  readonly lag?: number
  /** vrrp's and checkers': the process that would go on with its work, and since when it is (not) ready. */
  readonly spare?: Spare & { readonly since: Epoch }
}

/** Differences between the kernel table and what is wanted. */
export type TableStatus = {
  readonly complete: boolean
  readonly repairs: number
  readonly lastRepair?: { readonly at: Epoch; readonly text: string }
  /** Services in the kernel that are not ours. */
  readonly foreign: number
  /** It is compared every so many seconds, because one look at it takes long; absent: every second. */
  readonly comparedEvery?: number
  /** Why the kernel refuses what is wanted; absent when it does not. */
  readonly failure?: string
  /** Why connection sync does not run, where the kernel refuses it: this director then counts as not ready. */
  readonly unsynced?: string
  /** So many clients' paths, all of which the other directors find broken: that does not count. Absent while they are believed. */
  readonly pathsDoubted?: number
  /** Targets without a watch connection, for want of file descriptors, and for how many there is room. Absent: none. */
  readonly unwatched?: { readonly targets: number; readonly room: number }
}

export type Notice = {
  readonly level: EventLevel
  /** Stable: `router.fault`, `server.down`, `override` ... */
  readonly code: string
  readonly subject: string
  readonly text: string
  /** What to type to learn more or to end it. */
  readonly next?: string
}
