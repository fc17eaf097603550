/** What a virtual router needs from its surroundings. Implemented in src/linux, faked in test/fakes. */

/** Monotonic milliseconds (performance.now()); wire units exist only in the packet codec. */
export type Millis = number
export type Family = 4 | 6

/** One address that moves with a virtual router. */
export type Vip = {
  readonly address: string
  readonly prefix: number
  /** The interface that carries it; a VIP may live on another one than the adverts (inner gateway of a NAT pair). */
  readonly interface: string
}

export interface Clock {
  now(): Millis
  /** Calls `wake` once, after the poll phase, at or after `deadline`. Returns the cancellation. */
  at(deadline: Millis, wake: () => void): () => void
}

/** A VRRP packet as it came off the wire. `payload` is only valid during the call: decode at once, keep values. */
export type Received = {
  readonly payload: Buffer
  readonly source: string
  /** Known for IPv4 only: an IPv6 raw socket does not hand over the header. */
  readonly destination?: string
  readonly ttl?: number
  /** How long it lay in the socket before it was read, where the kernel can tell. */
  readonly waited?: Millis
}

/** Adverts of one interface, family and kind (multicast or unicast), shared by the virtual routers on it. */
export interface Lan {
  /** The address that adverts leave from: the interface's own primary one, never a VIP. */
  source(): string | undefined
  /** Sends one VRRP message (without IP header). Returns an errno name when the kernel refused it. */
  send(payload: Buffer, destination: string): string | undefined
  /** Hands over every packet that already waits in the socket, before it returns; called before a deadline is judged. */
  drain?(): number
}

/** Owns the VIPs in the kernel. Level-triggered: calling it again with the same VIPs does nothing but renew. */
export interface Addresses {
  /** Adds what is missing, removes what this router held and is not among `vips`. Resolves when the kernel has them all, or rejects with the reason of the first refusal. */
  claim(router: string, vips: readonly Vip[]): Promise<void>
  /**
   * Prolongs their lifetime in the kernel; cheap, called with every advert or once a second. `lasts`: for at least this long, in whole
   * seconds, because the next process is to find them.
   */
  renew(router: string, lasts?: Millis): void
  /** Removes them all. Never rejects: what is already gone is fine. */
  release(router: string): Promise<void>
}

/** Tells the segment who has the VIPs: gratuitous ARP (request and reply form) or unsolicited neighbour advertisements. */
export interface Announcer {
  /** One round for all VIPs, sent before it returns. Returns how many frames the kernel took. */
  announce(vips: readonly Vip[]): number
}
