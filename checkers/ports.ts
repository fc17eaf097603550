/** What a checker needs from its surroundings and what it answers. Implemented in src, faked in test/fakes. */

/** Monotonic milliseconds. */
export type Millis = number

export interface Clock {
  now(): Millis
  /** Calls `wake` once at or after `deadline`. Returns the cancellation. */
  at(deadline: Millis, wake: () => void): () => void
}

/** Where a check goes: the real server (or, for client-path checks, what stands for it). */
export type Target = { readonly address: string; readonly port: number }

/** Why an attempt failed. Closed: counted, asserted, turned into words only at the edge. */
export type Reason =
  | 'timeout'
  | 'refused'
  | 'reset'
  | 'unreachable'
  | 'closed'
  | 'bad-status'
  | 'bad-header'
  | 'bad-body'
  | 'bad-reply'
  | 'too-large'
  | 'tls'
  | 'certificate'
  | 'auth'
  | 'exit-code'
  | 'not-serving'
  | 'role'
  | 'lag'
  | 'stale'
  | 'local-error'

/** The layer words that HAProxy's users know: which layer decided, and how. */
export type Layer =
  | 'L4OK'
  | 'L4TOUT'
  | 'L4CON'
  | 'L6OK'
  | 'L6TOUT'
  | 'L6RSP'
  | 'L7OK'
  | 'L7OKC'
  | 'L7TOUT'
  | 'L7RSP'
  | 'L7STS'
  | 'SOCKERR'

/** What one attempt found. `local-error` is the director's own trouble and never counts against the real server. */
export type Outcome =
  | {
      readonly passed: true
      readonly layer: Layer
      readonly detail?: string
      /** Passes, but somebody should look: a certificate near its end, a Nagios warning. */
      readonly warning?: string
      /** Asked for by the server itself (agent, exec, file, drain status). */
      readonly wish?: Wish
    }
  | {
      readonly passed: false
      readonly reason: Reason
      readonly layer: Layer
      readonly detail?: string
      /** First bytes of the answer, made printable. */
      readonly answer?: string
      readonly wish?: Wish
    }

/**
 * What a real server may ask for itself. `weight` is absolute, `percent` a share of the configured one, `add` a number
 * that is added to it; `state` holds until the same source says another one.
 */
export type Wish = {
  readonly weight?: number
  readonly percent?: number
  readonly add?: number
  readonly state?: 'ready' | 'drain' | 'maint'
  /** Upper connection threshold. */
  readonly maxConnections?: number
}

/** One attempt at one target. Never rejects, never retries, never logs, never outlives its signal. */
export type Probe = (target: Target, signal: AbortSignal) => Promise<Outcome>

/** One TCP connection in the making or made. */
export interface Stream {
  send(bytes: Uint8Array): void
  /** Ends it at once and frees the descriptor; no event follows. fin: as any client; reset: RST, no TIME_WAIT. */
  close(how: 'fin' | 'reset'): void
}

/** What happens to a stream. After `ended` or `failed` nothing follows; the descriptor is free. */
export type StreamEvents = {
  readonly connected: () => void
  /** `chunk` is only valid during the call. */
  readonly data: (chunk: Buffer) => void
  readonly ended: () => void
  /** errno name: ECONNREFUSED, EMFILE ... */
  readonly failed: (errno: string, text?: string) => void
}

export type DialOptions = {
  /** Idle time after which the kernel probes the peer (SO_KEEPALIVE), ms. */
  readonly keepAlive?: Millis
}

/** Opens a TCP connection. Never throws, never calls back before it returned. */
export type Dial = (target: Target, events: StreamEvents, options?: DialOptions) => Stream

/** One echo request. Resolves with the round trip or with an errno name; ETIMEDOUT after the signal. Never rejects. */
export type Ping = (
  address: string,
  size: number,
  signal: AbortSignal,
) => Promise<{ readonly rtt: Millis } | { readonly errno: string }>

/** Who has this address on the segment (ARP, neighbour discovery). ETIMEDOUT after the signal. Never rejects. */
export type Resolve = (
  address: string,
  /** Default: where the route leads. */
  link: string | undefined,
  signal: AbortSignal,
) => Promise<{ readonly mac: string } | { readonly errno: string }>
