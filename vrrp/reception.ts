import { type Admitted, admission } from './admission.js'
import type { Counters } from './counters.js'
import { histogram, interarrivalBounds, latenessBounds } from './counters.js'
import type { notices } from './notices.js'
import type { Millis, Received } from './ports.js'
import { senders } from './senders.js'
import type { VirtualRouter } from './virtual-router.js'

/**
 * Everything about a packet but the protocol: admits or counts it, and tells what looks wrong between the directors.
 * Returns the advert, if it is one for this router.
 */
export function reception(counters: Counters, notice: ReturnType<typeof notices>, epoch: () => number) {
  const admit = admission()
  const lateness = histogram(latenessBounds)
  const interarrival = histogram(interarrivalBounds)
  const heard = senders()
  let last: { from: string; at: Millis; interval: Millis } | undefined

  return {
    lateness: lateness.read,
    interarrival: interarrival.read,
    senders: heard.read,
    take(router: VirtualRouter, packet: Received, own: string, now: Millis): Admitted | undefined {
      const advert = admit(router, packet, own, epoch())
      const { from } = advert
      if ('discard' in advert) {
        counters[advert.discard]++
        if (advert.discard === 'own-address') {
          const text = `Another machine, or a loop, sends adverts from our own address ${from}`
          notice('own-address', text, { from })
          return undefined
        }
        // Forged sources are without number: only a configured director gets a line of its own.
        const peer = router.directors.some(({ addresses }) => addresses.includes(from))
        const text = `Discarded a packet of ${from}: ${advert.discard}`
        notice('discarded', text, { from, reason: advert.discard }, `${advert.discard} ${peer ? from : ''}`)
        return undefined
      }
      counters['advertisement-rcvd']++
      if (advert.priority === 0) counters['priority-zero-pkts-rcvd']++
      counters[`checksum-${advert.checksum}`]++
      heard.add(from, advert.checksum)
      if (last?.from === from) {
        lateness.add(Math.max(0, now - last.at - last.interval))
        interarrival.add((now - last.at) / last.interval)
      }
      // A single other interval is the last word before a restart.
      const settled = last?.from === from && last.interval === advert.interval
      last = { from, at: now, interval: advert.interval }
      compare(router, advert, settled)
      return advert
    },
  }

  function compare(router: VirtualRouter, advert: Admitted, settled: boolean) {
    const { from } = advert
    if (advert.addressesDiffer) {
      counters['address-list-error']++
      const theirs = advert.addresses.join(' ') || 'none'
      notice('addresses-differ', `${from} advertises other VIPs: ${theirs}`, { from, addresses: theirs }, from)
    }
    if (settled && advert.interval !== router.advertInterval && advert.priority !== 0) {
      const text = `${from} advertises every ${advert.interval} ms, this director every ${router.advertInterval} ms`
      notice('interval-differs', text, { from, interval: advert.interval }, from)
    }
    const ours = router.profile === 'keepalived' ? 'pseudo-header' : 'plain'
    if (advert.version === 3 && router.family === 4 && advert.checksum !== ours) {
      const profile = advert.checksum === 'plain' ? 'rfc9568' : 'keepalived'
      const text = `${from} makes its checksum as profile ${profile}; it may refuse ours: set profile: ${profile}`
      notice('checksum-form', text, { from, profile }, from)
    }
  }
}
