import type { DiscardReason } from '../../vrrp/discard.js'
import { decodeAdvert, peekVrid } from '../../vrrp/packet.js'
import type { Family, Received } from '../../vrrp/ports.js'
import { type Strays, vrrpGroup } from '../linux/vrrp-socket.js'

/** A packet of protocol 112 that none of our virtual routers takes. */
export type Stray = {
  readonly reason: DiscardReason
  readonly from: string
  /** A sound advert of another virtual router on this segment. */
  readonly foreign?: { readonly vrid: number; readonly priority: number }
}

type Counts = Partial<Record<DiscardReason | 'not-looked-at', number>>

/**
 * Counts the strays of one socket, by reason (names of ietf-vrrp, RFC 8347). What names a vrid of ours is put to that router's
 * account, everything else to the first router's of the segment.
 */
export function strayCounter(family: Family, minTtl: number) {
  const accounts = new Map<number, Counts>()
  const nobodys: Counts = {}

  return {
    take({ sample, missed }: Strays, vrids: readonly number[]): readonly Stray[] {
      if (missed > 0) count(nobodys, 'not-looked-at', missed)
      return sample.map(packet => {
        const stray = classify(packet, family, minTtl, vrids)
        const vrid = peekVrid(packet.payload)
        const own = vrid !== undefined && vrids.includes(vrid)
        if (own && !accounts.has(vrid)) accounts.set(vrid, {})
        count((own ? accounts.get(vrid) : undefined) ?? nobodys, stray.reason, 1)
        return stray
      })
    },
    of(vrid: number, first: boolean): Readonly<Record<string, number>> {
      const sum: Counts = { ...accounts.get(vrid) }
      if (first) for (const [name, value] of Object.entries(nobodys)) count(sum, name as DiscardReason, value)
      return sum
    },
  }
}

/** Why the kernel's filter kept a packet from us, in the order in which the RFC looks (RFC 9568 7.1). */
export function classify(
  { payload, source, destination, ttl }: Received,
  family: Family,
  minTtl: number,
  vrids: readonly number[],
): Stray {
  const from = source.split('%', 1)[0] ?? source
  if (ttl !== undefined && ttl < minTtl) return { reason: 'ip-ttl-error', from }
  const decoded = decodeAdvert(payload, { family, source: from, destination: destination ?? vrrpGroup[family] })
  const vrid = peekVrid(payload)
  const foreign = vrid !== undefined && !vrids.includes(vrid)
  if ('discard' in decoded) {
    const shape = ['packet-length-error', 'version-error', 'invalid-type'].includes(decoded.discard)
    return { reason: foreign && !shape ? 'vrid-error' : decoded.discard, from }
  }
  if (foreign) return { reason: 'vrid-error', from, foreign: { vrid: decoded.vrid, priority: decoded.priority } }
  // Sound, and of our vrid: an IPv6 socket shows no header, and only the hop limit is left to have kept it away.
  return { reason: 'ip-ttl-error', from }
}

function count(counts: Counts, name: keyof Counts, value: number): void {
  counts[name] = (counts[name] ?? 0) + value
}
