/**
 * Why a packet was not taken for an advert of this virtual router; counted per reason. The first block carries the names
 * of ietf-vrrp (RFC 8347) and RFC 2787, the others are ours.
 */
export const discardReasons = [
  'checksum-error',
  'version-error',
  'vrid-error',
  'ip-ttl-error',
  'interval-error',
  'packet-length-error',
  'invalid-type',
  'invalid-authentication-type',
  'authentication-type-mismatch',
  'authentication-failure',

  /** IPv4 destination is not the one that this transport uses (a multicast advert for a unicast router). */
  'transport-error',
  /** A unicast advert from an address that is no other director's. */
  'source-error',
  /** Our own address as source: a reflection, or another machine that took our address. */
  'own-address',
  /** HMAC demanded, but the advert has no trailer. */
  'hmac-missing',
  'hmac-malformed',
  'hmac-unknown-key',
  'hmac-mismatch',
  /** The sender's clock is outside the window. */
  'hmac-stale',
  /** Not newer than the last one from this sender. */
  'hmac-replay',
] as const

export type DiscardReason = (typeof discardReasons)[number]
