import { MULTICAST } from './admission.js'
import { nextSequence, signAdvert } from './hmac.js'
import { encodeAdvert } from './packet.js'
import type { Lan, Millis } from './ports.js'
import type { VirtualRouter } from './virtual-router.js'

/**
 * Sends adverts to wherever the transport says. Returns the first refusal of the kernel; the other peers are served all
 * the same. Keeps the HMAC sequence, so one per router for its life.
 */
export function transmitter(lan: Lan, epoch: () => number) {
  let sequence = 0n

  return (router: VirtualRouter, source: string, priority: number, interval: Millis): string | undefined => {
    const { family, version, vrid, authentication } = router
    const advert = { version, vrid, priority, interval, addresses: router.vips.map(vip => vip.address) }
    const destinations = router.transport === 'multicast' ? [MULTICAST[family]] : router.peers.map(peer => peer.address)
    let refused: string | undefined
    for (const destination of destinations) {
      const message = encodeAdvert(
        advert,
        { family, source, destination },
        {
          pseudoHeader: router.profile === 'keepalived',
          ...(authentication?.type === 'pass' ? { password: authentication.password } : {}),
          ...signing(),
        },
      )
      refused ??= lan.send(message, destination)
    }
    return refused

    function signing() {
      if (authentication?.type !== 'hmac' || authentication.mode === 'receive-only') return {}
      const key = authentication.keys.find(({ id }) => id === authentication.activeKey)
      if (!key) return {}
      sequence = nextSequence(sequence, epoch())
      const current = sequence
      return { sign: (bytes: Uint8Array) => signAdvert(bytes, { family, version, vrid, source }, key, current) }
    }
  }
}
