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
      readonly detail?: string /** asked for by the server itself (agent, exec) */
      readonly wish?: Wish
    }
  | {
      readonly passed: false
      readonly reason: Reason
      readonly layer: Layer
      readonly detail?: string /** first bytes of the answer */
      readonly answer?: string
    }

/** What a real server may ask for itself: a share of its weight, or a state. */
export type Wish = { readonly weight?: number; readonly percent?: number; readonly state?: 'ready' | 'drain' | 'maint' }

/** One attempt at one target. Never rejects, never retries, never logs, never outlives its signal. */
export type Probe = (target: Target, signal: AbortSignal) => Promise<Outcome>
