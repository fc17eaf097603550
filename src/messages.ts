/**
 * Everything the processes of one director say to each other, grouped by direction. The parent carries the messages
 * and reads only those addressed to it.
 *
 *   control ── services, settings, overrides, asks ──> checkers ── contributions, readiness ──> vrrp
 *   control ── routers, failover, asks ─────────────────────────────────────────────────────> vrrp
 *   vrrp, checkers ── hello, status, events, answers ──> control
 *   vrrp ── held ──> parent            control ── leave ──> parent
 *   parent ── promote, take-over ──> spares ── stands-ready ──> parent ── child, spare ──> control
 */
import type { Forward, ServerSettings, ServiceId, ServiceSettings } from './ipvs/table.js'

export type Role = 'vrrp' | 'checkers' | 'control'
export type Address = Role | 'parent'

/** Milliseconds since the epoch: for people and files only; deadlines are monotonic and never leave their process. */
export type Epoch = number

export type Envelope = { readonly to: Address; readonly from: Address; readonly message: Message }

export type Message = Hello | ToVrrp | ToCheckers | ToControl | ToParent | Ask | Answer

// ---- any child -> control: "I am up, this is what I hold"; control answers with the difference, then `synced`
export type Hello = {
  readonly type: 'hello'
  readonly role: Role
  readonly pid: number
  /** true: just started. false: has carried out what it was told, up to the last `synced`. */
  readonly fresh: boolean
  readonly holds: Readonly<Record<string, string>>
}

/** A control process has started and knows nobody: say hello again. */
export type Introduce = { readonly type: 'introduce' }

// ---- control, checkers -> vrrp
export type ToVrrp =
  | Introduce
  | { readonly type: 'routers'; readonly upsert: readonly Keyed[]; readonly remove: readonly string[] }
  | { readonly type: 'synced'; readonly generation: number }
  /** One tracked thing's share: a number added to the priority of the routers that name it, or a fault. */
  | { readonly type: 'contribution'; readonly contribution: Contribution }
  /** The own table is complete: first verdicts are in and the kernel holds the result. */
  | { readonly type: 'ready'; readonly ready: boolean }
  /** `held`: the patience of each is what was left of it when this was said. */
  | { readonly type: 'promote'; readonly held: readonly Held[] }
  /** Which routers stay behind by order; `*` is the whole director. What is not named does not. */
  | { readonly type: 'behind'; readonly behind: Readonly<Record<string, Behind>> }
  /** What the other directors say of themselves over the peer channel; the election's rank uses it while it is fresh. */
  | {
      readonly type: 'peers'
      readonly peers: readonly PeerPriority[]
      /** The address of somebody who says to be this director. */
      readonly impostor?: string
    }
  | { readonly type: 'leave'; readonly how: Leave }

// ---- control -> checkers
export type ToCheckers =
  | Introduce
  | { readonly type: 'services'; readonly upsert: readonly Keyed[]; readonly remove: readonly string[] }
  | { readonly type: 'settings'; readonly settings: Keyed }
  | { readonly type: 'synced'; readonly generation: number }
  /** `known`: those of the other directors are among them, or nobody is there to tell. */
  | { readonly type: 'overrides'; readonly overrides: readonly Override[]; readonly known: boolean }
  /** Marks of the client paths that other directors found broken; `heard`: one that probes them speaks. */
  | { readonly type: 'peer-paths'; readonly broken: readonly number[]; readonly heard: boolean }
  /** From the parent, to a spare: the checkers process is dead, you are it now. */
  | { readonly type: 'take-over' }
  | { readonly type: 'leave'; readonly how: Leave }

// ---- vrrp, checkers, parent -> control
export type ToControl =
  /**
   * The whole of each router that is new or has changed, the numbers of those where only they have. `lag`: the longest stall of
   * vrrp's loop in the last ten seconds, ms.
   */
  | {
      readonly type: 'router-status'
      readonly routers: readonly RouterStatus[]
      readonly numbers: readonly RouterNumbers[]
      readonly lag?: number
    }
  | {
      readonly type: 'service-status'
      readonly services: readonly ServiceStatus[]
      readonly removed: readonly string[]
    }
  | { readonly type: 'table-status'; readonly table: TableReport }
  /** What the checks did since the last of these, and the longest stall of the checkers' loop lately, ms. */
  | {
      readonly type: 'checked'
      readonly checks: readonly CheckCount[]
      readonly lag: number
      readonly engine: CheckEngine
    }
  /** Marks of the client paths that are broken, as far as this director can probe them; absent: it probes none. */
  | { readonly type: 'paths'; readonly broken?: readonly number[] }
  /** A router that stayed behind took the VIPs back because nobody else has them: the order has ended. */
  | { readonly type: 'returned'; readonly router: string }
  | { readonly type: 'event'; readonly event: Event }
  /** Several of one moment, in their order: a start has tens of thousands of first verdicts. */
  | { readonly type: 'events'; readonly events: readonly Event[] }
  | {
      readonly type: 'child'
      readonly role: Role
      /** silent: it has not answered since `at`, and may be stopped or hang. answers: it does again. */
      readonly state: 'started' | 'died' | 'promoted' | 'silent' | 'answers'
      readonly pid: number
      readonly at: Epoch
      readonly reason?: string
      /** Of one that died: what takes its place. */
      readonly follows?: 'spare' | 'start'
      /** Of one that answers again: how long it did not, ms. */
      readonly silence?: number
    }
  /** To a control process that has just started: what the one before it may not have kept, and how many events more. */
  | { readonly type: 'again'; readonly messages: readonly Message[]; readonly lost: number }
  | { readonly type: 'spare'; readonly role: Role; readonly spare: Spare }
  | { readonly type: 'signal'; readonly signal: 'reload' }
  | { readonly type: 'leave'; readonly how: Leave }

// ---- vrrp, control -> parent
export type ToParent =
  | { readonly type: 'held'; readonly held: readonly Held[] }
  | { readonly type: 'started' }
  | { readonly type: 'stop'; readonly how: Leave }
  /** From a spare: it could take over at any moment. */
  | { readonly type: 'stands-ready' }
  /** `advertAge`: how long ago the oldest of its masters' last adverts left, ms. */
  | { readonly type: 'alive'; readonly advertAge?: number }

/** Whether a process stands ready to go on with a role's work; `reason`: why the last one ended that did not get its turn. */
export type Spare = { readonly ready: boolean; readonly pid?: number; readonly reason?: string }

/** stop: hand over and end. restart: keep everything, the next process resumes. */
export type Leave = 'stop' | 'restart' | 'clear'

/** A piece of configuration with its identity and the hash of its content: the receiver keeps what did not change. */
export type Keyed = { readonly key: string; readonly hash: string; readonly value: unknown }

/** What the parent must withdraw, should vrrp die and not come back within the peers' patience. */
export type Held = {
  readonly router: string
  readonly vips: readonly { readonly address: string; readonly prefix: number; readonly interface: string }[]
  /** How long the other directors wait after our last advert, in ms. */
  readonly patience: number
}

export type Contribution = {
  /** What is tracked: `interface eth1`, `virtual_server web`, `script chk`. */
  readonly source: string
  /** undefined: unknown; true: fine; false: failing. A number: an own value (files). */
  readonly state: boolean | number | undefined
  readonly reason: string
  readonly at: Epoch
}

/** An order to stay behind the other directors: a planned switch-over, or maintenance of the whole director. */
export type Behind = { readonly author: string; readonly reason?: string; readonly at: Epoch; readonly until?: Epoch }

export type PeerPriority = {
  readonly director: string
  readonly router: string
  readonly priority: number
  readonly state: RouterState
  /** Where its adverts come from. */
  readonly source?: string
  readonly sameConfig: boolean
  readonly at: Epoch
}

/** Broken clients' paths that other directors are told of: so many fit a datagram beside all else. */
export const mostPaths = 40

/** Upper bounds of `CheckCount.buckets`, ms. */
export const latencyBounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] as const

/** Attempts of all checks of one name and kind since the last report. */
export type CheckCount = {
  readonly check: string
  readonly kind: string
  readonly passed: number
  /** By reason: timeout, refused ... */
  readonly failed: Readonly<Record<string, number>>
  /** How many took at most so long (`latencyBounds`), each counted once; the rest took longer. */
  readonly buckets: readonly number[]
  /** ms */
  readonly sum: number
}

/** The engine that runs the checks, now. */
export type CheckEngine = {
  readonly checks: number
  readonly inFlight: number
  readonly queued: number
  /** From due to start, ms. */
  readonly lag: number
  readonly watched: number
  /** Targets without a watch connection because the share of file descriptors is used up. */
  readonly unwatched: number
  /** Targets that are knocked at, and knocks since this process started. */
  readonly knockedAt: number
  readonly knocks: number
}

export type TableReport = {
  readonly complete: boolean
  readonly repairs: number
  readonly lastRepair?: { readonly at: Epoch; readonly text: string }
  readonly foreign: number
  /** The kernel is compared with what is wanted every so many seconds; absent: every second. */
  readonly comparedEvery?: number
  readonly failure?: string
  /** Why connection sync does not run, where the kernel refuses it. */
  readonly unsynced?: string
  /** Targets without a watch connection, for want of file descriptors, and for how many there is room. Absent: none. */
  readonly unwatched?: { readonly targets: number; readonly room: number }
  /** So many clients' paths, all of which the other directors find broken: that does not count. Absent while they are believed. */
  readonly pathsDoubted?: number
}

// ---- questions, answered by exactly one message with the same id
export type Ask = { readonly type: 'ask'; readonly id: number; readonly question: Question }
export type Answer = {
  readonly type: 'answer'
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly code: string; readonly text: string }
}
export type Question =
  | { readonly what: 'explain-server'; readonly service: string; readonly address: string; readonly port: number }
  /** Checkers: a report through the API for checks of kind `push`. */
  | { readonly what: 'push'; readonly id: string; readonly passed: boolean; readonly text?: string }
  /** Checkers: checks of this real server that stay down until an operator says so may come up. Answers how many did. */
  | { readonly what: 'resume'; readonly service: string; readonly address: string; readonly port: number }

// ---- states that people see
export type RouterState = 'init' | 'backup' | 'master' | 'fault'

export type RouterStatus = {
  readonly name: string
  readonly vrid: number
  readonly interface: string
  readonly family: 4 | 6
  readonly version: 2 | 3
  readonly state: RouterState
  /** Since when, and what caused the last transition. */
  readonly since: Epoch
  readonly cause: string
  readonly priority: {
    readonly base: number
    readonly effective: number
    readonly contributions: readonly { readonly source: string; readonly value: number; readonly reason: string }[]
  }
  readonly advertInterval: number
  readonly vips: readonly string[]
  /** Where this director's own adverts come from, or would. */
  readonly source?: string
  /** Whoever advertises as master now: an address, ourselves included. */
  readonly master?: string
  readonly lastAdvert?: Epoch
  readonly faults: readonly string[]
  /** Left by order (failover, maintenance): stays behind until given back. */
  readonly behind?: Behind
  readonly counters: Readonly<Record<string, number>>
  /** How late adverts came against what their sender announced: cumulative buckets, ms. */
  readonly lateness?: Distribution
  /** The times between two adverts of the same master, in intervals that it announced: cumulative buckets. */
  readonly interarrival?: Distribution
  /** Whose adverts were accepted, and how many of each form of the checksum (profile); absent: nobody's. */
  readonly senders?: readonly { readonly address: string; readonly 'pseudo-header': number; readonly plain: number }[]
  readonly timeline: readonly { readonly at: Epoch; readonly what: string }[]
}

/** How many were at most `le`, each counted in every bucket that it fits; the rest were greater than all of these. */
export type Distribution = {
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
  readonly sum: number
  readonly count: number
}

/** What changes with every advert; absent: as before. `counters`: those that have changed. */
export type RouterNumbers = Pick<RouterStatus, 'name'> &
  Partial<Pick<RouterStatus, 'lastAdvert' | 'counters' | 'lateness' | 'interarrival' | 'senders'>>

export type ServerState = 'up' | 'down' | 'unknown' | 'drain' | 'maint' | 'unchecked'

export type CheckStatus = {
  readonly name: string
  readonly kind: string
  readonly verdict: 'up' | 'down' | 'unknown'
  readonly streak: number
  readonly since: Epoch
  readonly last?: CheckResult
  /** Why it stays down although it may pass: after so many falls, or until an operator says `ready`. */
  readonly held?: { readonly falls: number; readonly until: Epoch } | 'manual-resume'
  /** Nobody answers a connect; one is tried this often (ms), and was so many times. */
  readonly knocks?: { readonly every: number; readonly made: number }
}

export type CheckResult = {
  readonly at: Epoch
  readonly latency: number
  readonly passed: boolean
  readonly layer: string
  readonly reason?: string
  readonly detail?: string
  readonly answer?: string
}

export type RealServerStatus = {
  readonly address: string
  readonly port: number
  readonly state: ServerState
  readonly since: Epoch
  /** As the file says, and as the kernel has it (undefined: not in the table). */
  readonly weight: number
  readonly kernelWeight?: number
  readonly forward: Forward
  readonly checks: readonly CheckStatus[]
  readonly override?: Override
  readonly connections?: { readonly active: number; readonly inactive: number }
  /** Clients' handshakes that are stuck (SYN_RECV), in the last sample of the kernel's connections; absent: none. */
  readonly stuckHandshakes?: number
}

export type ServiceStatus = {
  readonly name: string
  readonly ids: readonly ServiceId[]
  readonly scheduler: string
  /** down: below quorum. */
  readonly state: 'up' | 'down'
  readonly since: Epoch
  readonly quorum: number
  readonly weightUp: number
  readonly sorry: boolean
  readonly held?: string
  /** Real servers that answer ARP for the VIP: clients may reach them past the director. */
  readonly leaks?: readonly ArpLeak[]
  readonly realServers: readonly RealServerStatus[]
}

export type ArpLeak = {
  readonly vip: string
  readonly mac: string
  /** Absent: no real server of the service is known to have this MAC. */
  readonly server?: string
  readonly since: Epoch
}

/** What an operator (or another director, for him) said at run time. It ends: `until`, or never only if asked so. */
export type Override = {
  /** Service name, or '*' for every service that has this real server. */
  readonly service: string
  readonly address: string
  /** 0: any port. */
  readonly port: number
  readonly verb: 'drain' | 'maint' | 'weight' | 'force-up' | 'force-down'
  readonly weight?: number
  readonly author: string
  readonly reason?: string
  /** Stamp: newest wins across directors. */
  readonly at: Epoch
  readonly until?: Epoch
  /** drain: then it is removed, whatever connections are left. It stays out until the override ends. */
  readonly deadline?: Epoch
  /** drain: half-closed and UDP connections are not waited for. */
  readonly activeOnly?: true
  /** true: this stamp ends an earlier override (`ready`). */
  readonly ended?: boolean
}

export type EventLevel = 'info' | 'notice' | 'warning' | 'alarm'
export type Event = {
  readonly at: Epoch
  /** Stable: `vrrp.state`, `server.down`, `table.drift` ... (docs/events.md). */
  readonly name: string
  readonly level: EventLevel
  /** What it is about: `router web`, `server web/10.9.0.21:80`. */
  readonly subject: string
  /** One sentence for a person. */
  readonly text: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** What the table writer needs of one virtual server, whatever else the file says of it. */
export type TableService = {
  readonly ids: readonly ServiceId[]
  readonly settings: ServiceSettings
  readonly servers: readonly { readonly address: string; readonly port: number; readonly settings: ServerSettings }[]
}
