/** Connection synchronisation, and the timeouts of the connection table: what one network namespace has once. */

export type SyncRole = 'master' | 'backup'

/** One sync daemon; `syncid` must be the same on every director of a pair (0..255). */
export type SyncDaemon = {
  readonly role: SyncRole
  readonly interface: string
  readonly syncid: number
  /** Largest datagram in bytes; 0: what the interface takes. */
  readonly maxlen: number
  /** Multicast group; absent: the kernel's own (224.0.0.81). */
  readonly group?: string
  /** 0: the kernel's own (8848). */
  readonly port: number
  /** 0: the kernel's own (1). */
  readonly ttl: number
  /** Of the interface of this name now, 0: there is none. Absent: not known. Never what the kernel says of a daemon. */
  readonly index?: number
}

/** On which interface, by index, each daemon was started or found. */
export type Bound = ReadonlyMap<SyncRole, number>

/** Lifetimes of idle connections in seconds (`ipvsadm --set`); 0: leave as it is. */
export type Timeouts = { readonly tcp: number; readonly tcpFin: number; readonly udp: number }
