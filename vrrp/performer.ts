import { bursts } from './bursts.js'
import type { Counters } from './counters.js'
import type { RouterPorts } from './handle.js'
import type { notices } from './notices.js'
import { patience } from './patience.js'
import type { Millis } from './ports.js'
import type { Effect, Event, Phase } from './state.js'
import type { timeline } from './timeline.js'
import { transmitter } from './transmitter.js'
import { vipKeeper } from './vip-keeper.js'
import { allVips, movesVips, movingVips, type VirtualRouter } from './virtual-router.js'

/** VIPs are renewed at least this often, also where adverts are rarer; the kernel keeps them for three times as long. */
const RENEW_EVERY = 1000

export type Surroundings = {
  router(): VirtualRouter
  phase(): Phase
  ownAddress(): string
  dispatch(event: Event): void
}

/** Carries out what the machine decided, on the wire and in the kernel, and counts it. */
export function performer(
  { router, phase, ownAddress, dispatch }: Surroundings,
  ports: RouterPorts,
  counters: Counters,
  notice: ReturnType<typeof notices>,
  story: ReturnType<typeof timeline>,
) {
  const { clock, addresses } = ports
  const name = router().name
  const transmit = transmitter(ports.lan, ports.epoch ?? Date.now)
  const keeper = vipKeeper(name, addresses)
  const announcements = bursts(clock, ports.announcer, frames => {
    counters.announcements += frames
    if (frames > 0) story.mark('first announcement sent', clock.now())
  })
  let cancelRenewal = () => {}
  let failedSends = 0
  let sentAt = clock.now()

  return {
    perform(effect: Exclude<Effect, { type: 'transition' | 'notice' }>) {
      switch (effect.type) {
        case 'send':
          return send(effect.priority, effect.interval)
        case 'claim':
          return claim()
        case 'release':
          announcements.stop()
          cancelRenewal()
          return keeper.drop()
        case 'announce':
          announcements.start(
            allVips(router()),
            router().garp,
            effect.why === 'lower-priority' ? effect.why : 'takeover',
          )
          return story.flush()
      }
    },
    sentAt: () => sentAt,
    renew: (lasts: Millis) => addresses.renew(name, lasts),
    reannounce: () => announcements.start(allVips(router()), router().garp, 'takeover'),
    stop: () => cancelRenewal(),
    settled: keeper.settled,
  }

  function send(priority: number, interval: Millis) {
    const source = ownAddress()
    const error = source === '' ? 'EADDRNOTAVAIL' : transmit(router(), source, priority, interval)
    if (error !== undefined) {
      counters['send-failed']++
      failedSends++
      notice('send-failed', `The kernel refused an advert: ${error}`, { error }, error)
      return dispatch({ type: 'send-failed', error, inARow: failedSends })
    }
    failedSends = 0
    sentAt = clock.now()
    counters['advertisement-sent']++
    if (priority === 0) counters['priority-zero-pkts-sent']++
    if (!holding()) return
    addresses.renew(name)
    renewBetween()
  }

  function claim() {
    renewBetween()
    keeper.hold(movingVips(router()), error => {
      if (error === undefined) {
        story.mark('VIPs added', clock.now())
        return dispatch({ type: 'claimed' })
      }
      counters['claim-refused']++
      notice('claim-refused', `The kernel refused a VIP: ${error}`, { error }, error)
      dispatch({ type: 'claim-refused', error })
    })
  }

  /** Adverts renew the VIPs, also those of one who leaves; where they are rare, this does so between them. */
  function renewBetween() {
    cancelRenewal()
    if (router().advertInterval <= RENEW_EVERY) return
    cancelRenewal = clock.at(clock.now() + RENEW_EVERY, () => {
      const current = phase()
      if (current.name !== 'master') return
      // After a long sleep another may have them: only the next advert knows.
      const awake = clock.now() - current.lastSent < Math.max(patience(router()), RENEW_EVERY * 2)
      if (holding() && !current.listening && awake) addresses.renew(name)
      renewBetween()
    })
  }

  function holding(): boolean {
    const current = phase()
    return current.name === 'master' && current.claimed && movesVips(router())
  }
}
