import { canonical } from './address.js'
import type { DiscardReason } from './discard.js'
import { replayGuard, verifyAdvert } from './hmac.js'
import { type Decoded, decodeAdvert } from './packet.js'
import type { Millis, Received } from './ports.js'
import type { Peer, VirtualRouter } from './virtual-router.js'

export const MULTICAST = { 4: '224.0.0.18', 6: 'ff02::12' } as const

export type Admitted = Decoded & {
  readonly from: string
  /** Compared, never enforced (RFC 9568 7.1): a director with another file must not make two masters. */
  readonly addressesDiffer: boolean
}
export type Admission = Admitted | { readonly discard: DiscardReason; readonly from: string }

/**
 * Decides which packets count as adverts of this virtual router. Cheap reasons come first: a flood must not cost a
 * checksum each. Keeps the replay state, so one per router for its life.
 */
export function admission(): (router: VirtualRouter, packet: Received, own: string, epoch: Millis) => Admission {
  const replay = replayGuard()

  return (router, packet, own, epoch) => {
    const { source, payload, ttl } = packet
    const from = source.split('%', 1)[0] ?? source
    const refuse = (discard: DiscardReason): Admission => ({ discard, from })
    if (from === own) return refuse('own-address')
    const peer = peerOf(router, from)
    if (router.transport === 'unicast' && !peer) return refuse('source-error')
    if (router.family === 4 && packet.destination !== undefined) {
      const multicast = packet.destination === MULTICAST[4]
      if (multicast !== (router.transport === 'multicast')) return refuse('transport-error')
    }
    // Without a header (IPv6) the kernel's filter has looked (RFC 9568 5.1.1.3, 5.1.2.3).
    const least = router.transport === 'unicast' ? (peer?.minTtl ?? 255) : 255
    if (ttl !== undefined && ttl < least) return refuse('ip-ttl-error')

    const fallback = router.transport === 'multicast' ? MULTICAST[router.family] : own
    const destination = packet.destination ?? fallback
    const decoded = decodeAdvert(payload, { family: router.family, source: from, destination })
    if ('discard' in decoded) return refuse(decoded.discard)
    if (decoded.version !== router.version) return refuse('version-error')
    if (decoded.vrid !== router.vrid) return refuse('vrid-error')
    // Version 2: the interval must be ours (RFC 3768 7.1). Version 3: the master's counts.
    if (decoded.version === 2 && decoded.interval !== router.advertInterval) return refuse('interval-error')
    const unauthentic =
      decoded.version === 2 ? password(router, decoded) : signature(router, decoded, packet, from, epoch, replay)
    if (unauthentic) return refuse(unauthentic)
    return { ...decoded, from, addressesDiffer: !sameAddresses(router, decoded.addresses) }
  }
}

/** RFC 2338 5.3.6, RFC 3768 5.3.6 */
function password({ authentication }: VirtualRouter, { authentication: received }: Decoded): DiscardReason | undefined {
  const type = received?.type ?? 0
  if (type > 2) return 'invalid-authentication-type'
  if (authentication?.type !== 'pass') return type === 0 ? undefined : 'authentication-type-mismatch'
  if (type !== 1) return 'authentication-type-mismatch'
  return received?.data === authentication.password.slice(0, 8) ? undefined : 'authentication-failure'
}

function signature(
  { authentication, family, vrid }: VirtualRouter,
  { trailerAt }: Decoded,
  { payload }: Received,
  source: string,
  epoch: Millis,
  replay: ReturnType<typeof replayGuard>,
): DiscardReason | undefined {
  if (authentication?.type !== 'hmac') return undefined
  if (trailerAt === undefined) return authentication.mode === 'enforce' ? 'hmac-missing' : undefined
  const binding = { family, version: 3, vrid, source } as const
  const advert = payload.subarray(0, trailerAt)
  const { keys, window } = authentication
  const result = verifyAdvert(advert, payload.subarray(trailerAt), binding, keys, window, epoch)
  if ('discard' in result) return result.discard
  return replay.accept(source, result.sequence) ? undefined : 'hmac-replay'
}

function peerOf(router: VirtualRouter, from: string): Peer | undefined {
  return router.peers.find(peer => canonical(peer.address) === from)
}

/** Of a router's VIPs, which never change in place: made once, not with every advert. */
const canonicalVips = new WeakMap<VirtualRouter['vips'], ReadonlySet<string>>()

function sameAddresses({ vips }: VirtualRouter, addresses: readonly string[]): boolean {
  if (vips.length !== addresses.length) return false
  const ours = canonicalVips.get(vips) ?? new Set(vips.map(vip => canonical(vip.address)))
  canonicalVips.set(vips, ours)
  return addresses.every(address => ours.has(address))
}
