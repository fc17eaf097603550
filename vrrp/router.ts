import { canonical } from './address.js'
import { bursts } from './bursts.js'
import { type Counters, type Histogram, zeroCounters } from './counters.js'
import { deadline, initialState, step } from './machine.js'
import type { Note, NoticeCode } from './note.js'
import { notices } from './notices.js'
import { electionPriority, patience } from './patience.js'
import type { Addresses, Announcer, Clock, Lan, Millis, Received, Vip } from './ports.js'
import { reception } from './reception.js'
import { type RouterStatus, routerStatus } from './router-status.js'
import type { Behind, Cause, Effect, Event, Notice, PeerView, Resume, State } from './state.js'
import type { Command, Member } from './sync-group.js'
import { timeline } from './timeline.js'
import { type Sample, standing } from './tracking.js'
import { transmitter } from './transmitter.js'
import { vipKeeper } from './vip-keeper.js'
import { isOwner, type VirtualRouter } from './virtual-router.js'

/** Least time between two additions of VIPs that somebody else removes. */
const RECLAIM_PAUSE = 1000

export type RouterPorts = {
  readonly clock: Clock
  readonly lan: Lan
  readonly addresses: Addresses
  readonly announcer: Announcer
  /** Milliseconds since the epoch: for people and for the HMAC's sequence. Date.now by default. */
  readonly epoch?: () => number
}

export type StartOptions = {
  /** The previous process was master: go straight on, if nobody can have taken over. */
  readonly resume?: Resume
  /** The order to stay behind is older than this process (maintenance). */
  readonly behind?: Behind
  readonly ready?: boolean
  /** Interfaces that are known, by name. */
  readonly links?: ReadonlyMap<string, boolean>
  readonly peers?: readonly PeerView[]
}

export type FailoverOrder = {
  readonly back: boolean
  readonly author: string
  readonly reason?: string
  /** Maintenance: behind even when nobody else is left, until given back. */
  readonly lasting?: boolean
}
export type FailoverResult =
  | { readonly done: true; readonly to?: string }
  /** no-taker: nobody advertised in time, this director stays master. not-master: there is nothing to hand over. */
  | { readonly done: false; readonly code: 'no-taker' | 'not-master' | 'not-behind' | 'stopped' }

export type RouterHandle = {
  /** A packet of this router's vrid. The payload is not kept. */
  receive(packet: Received): void
  /** A tracked thing's state; undefined: unknown, the last one holds for 10 s. */
  contribution(source: string, state: boolean | number | undefined, reason: string): void
  /** Whoever reported contributions is gone: all of them are unknown from now. */
  trackingLost(): void
  /** The own table is complete (or not any more). */
  ready(ready: boolean): void
  /** All that the peer channel knows; replaces what it said before. */
  peers(views: readonly PeerView[]): void
  linkChanged(name: string, up: boolean): void
  /** The interface's own addresses may have changed: look again where adverts leave from. */
  addressChanged(): void
  /** A VIP vanished behind our back. */
  vipLost(address: string): void
  /** This router as its sync group sees it, and what the group demands. */
  membership(): Member
  obey(command: Command): void
  /** Announces again, if master: bridge or bond changed. */
  reannounce(): void
  failover(order: FailoverOrder): Promise<FailoverResult>
  /** Keeps state, timers and counters. */
  reconfigure(router: VirtualRouter): void
  /** Resolves when nothing is left to do: VIPs handed over and gone (stop), or kept for the next process (restart). */
  leave(how: 'stop' | 'restart'): Promise<void>
  status(): RouterStatus
  counters(): Readonly<Counters>
  /** How late adverts come, against what their sender announced. */
  lateness(): Histogram
  /** What must be withdrawn should this process die, while it is master. `patience` in ms after our last advert. */
  held(): { readonly router: string; readonly vips: readonly Vip[]; readonly patience: Millis } | undefined
}

/**
 * Runs one virtual router: feeds the machine, carries out its effects in their order, keeps its one deadline.
 *
 *   packets, tracking, orders ──> step() ──> [state, effects] ──> advert, VIPs, announcements, notes
 *                                  ^              │ deadline
 *                                  └──── tick <───┘
 */
export function runRouter(
  config: VirtualRouter,
  ports: RouterPorts,
  notify: (note: Note) => void,
  options: StartOptions = {},
): RouterHandle {
  const { clock, lan, announcer } = ports
  const epoch = ports.epoch ?? Date.now
  const name = config.name
  const counters = zeroCounters()
  const notice = notices(name, clock, notify)
  const incoming = reception(counters, notice, epoch)
  const transmit = transmitter(lan, epoch)
  const keeper = vipKeeper(name, ports.addresses)
  const story = timeline(notify)
  const startedAt = clock.now()
  const samples = new Map<string, Sample>()
  let groupFaults: readonly string[] = []
  const announcements = bursts(clock, announcer, frames => {
    counters.announcements += frames
    if (frames > 0) story.mark('first announcement sent', clock.now())
  })

  let router = config
  let state: State = initialState(router, startedAt)
  let now = standing(router, samples, startedAt, startedAt)
  let cancel = () => {}
  let cancelRecheck = () => {}
  let cancelRenewal = () => {}
  let failedSends = 0
  let since = epoch()
  let cause: Cause = 'startup'
  let heard: { from: string; at: Millis; epoch: number } | undefined
  let waiting: ((result: FailoverResult) => void)[] = []
  let sentAt = startedAt
  let reclaimedAt = Number.NEGATIVE_INFINITY
  const queue: Event[] = []

  for (const [link, up] of options.links ?? []) sampleLink(link, up)
  if (options.behind) state = { ...state, knowledge: { ...state.knowledge, behind: options.behind } }
  if (options.peers) dispatch({ type: 'peers', peers: options.peers })
  if (options.ready) dispatch({ type: 'ready', ready: true })
  reconsider()
  dispatch(options.resume ? { type: 'startup', resume: options.resume } : { type: 'startup' })

  return {
    receive(packet) {
      const advert = incoming.take(router, packet, ownAddress(), clock.now())
      if (!advert) return
      const changed = heard?.from !== advert.from
      heard = { from: advert.from, at: clock.now(), epoch: epoch() }
      dispatch({ type: 'advert', priority: advert.priority, interval: advert.interval, from: advert.from })
      if (changed) notify({ type: 'changed', router: name })
    },
    contribution(source, value, reason) {
      const before = samples.get(source)
      if (value !== undefined) samples.set(source, { state: value, reason })
      else if (before?.unknownSince === undefined)
        samples.set(source, { state: before?.state, reason, unknownSince: clock.now() })
      reconsider()
    },
    trackingLost() {
      for (const [source, sample] of samples)
        if (!source.startsWith('interface ') && sample.unknownSince === undefined)
          samples.set(source, { ...sample, unknownSince: clock.now() })
      reconsider()
    },
    ready: value => dispatch({ type: 'ready', ready: value }),
    peers: views => dispatch({ type: 'peers', peers: views }),
    linkChanged(link, up) {
      const wasDown = samples.get(`interface ${link}`)?.state === false
      sampleLink(link, up)
      reconsider()
      if (up && wasDown && allVips().some(vip => vip.interface === link)) reannounce()
    },
    addressChanged: reconsider,
    vipLost(address) {
      counters['vip-lost']++
      notice('vip-lost', `${address} was removed by somebody else; it is put back`, { address }, address)
      // At once, but two programs that both insist must not do so at full speed.
      if (clock.now() - reclaimedAt < RECLAIM_PAUSE) return
      reclaimedAt = clock.now()
      dispatch({ type: 'vip-lost' })
    },
    membership: () => ({
      name,
      state: state.phase.name,
      wants: state.phase.name === 'backup' && state.phase.wants,
      faults: [
        ...state.knowledge.faults.filter(fault => !groupFaults.includes(fault)),
        ...(state.phase.name === 'fault' && state.phase.retry ? [state.phase.retry.reason] : []),
      ],
      given: groupFaults,
    }),
    obey(command) {
      if (command.order !== 'faults') return dispatch({ type: 'group', to: command.order })
      groupFaults = command.faults
      reconsider()
    },
    reannounce,
    failover,
    reconfigure(next) {
      const intervalBefore = router.advertInterval
      router = next
      reconsider()
      dispatch({ type: 'reconfigured', intervalBefore })
      notify({ type: 'changed', router: name })
    },
    async leave(how) {
      const master = state.phase.name === 'master'
      if (how === 'restart' && master) ports.addresses.renew(name)
      const ended = new Promise<void>(resolve => waiting.push(() => resolve()))
      dispatch({ type: 'shutdown', how })
      if (state.phase.name !== 'init') await ended
      answer({ done: false, code: 'stopped' })
      cancel()
      cancelRecheck()
      cancelRenewal()
      await keeper.settled()
    },
    status: () =>
      routerStatus({
        ...{ router, state, standing: now, since, cause, counters },
        master: masterNow(),
        lastAdvert: heard?.epoch,
        timeline: story.moments(),
      }),
    counters: () => counters,
    lateness: incoming.lateness,
    held: () =>
      state.phase.name === 'master' && !isOwner(router)
        ? { router: name, vips: allVips(), patience: patience(router) }
        : undefined,
  }

  /** One event at a time: what happens while effects are carried out waits for the rest of them. */
  function dispatch(event: Event) {
    queue.push(event)
    if (queue.length > 1) return
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      handle(next)
      queue.shift()
    }
  }

  function handle(event: Event) {
    const at = clock.now()
    const before = state
    const [next, effects] = step(router, state, event, at, ownAddress())
    state = next
    const due = deadline(state)
    if (due !== deadline(before) || before.phase.name !== next.phase.name || event.type === 'tick') {
      cancel()
      cancel = due === undefined ? () => {} : clock.at(due, wake)
    }
    for (const effect of effects) perform(effect, before, at)
  }

  /** What waits in the socket is older than this deadline. */
  function wake() {
    lan.drain?.()
    dispatch({ type: 'tick' })
  }

  function perform(effect: Effect, before: State, at: Millis) {
    switch (effect.type) {
      case 'send':
        return send(effect.priority, effect.interval)
      case 'claim':
        return claim()
      case 'release':
        announcements.stop()
        cancelRenewal()
        return isOwner(router) ? undefined : keeper.drop()
      case 'announce':
        announcements.start(allVips(), router.garp, effect.why === 'lower-priority' ? 'lower-priority' : 'takeover')
        return story.flush()
      case 'transition':
        return transition(effect, before, at)
      case 'notice':
        return tell(effect.notice)
    }
  }

  function send(priority: number, interval: Millis) {
    const source = ownAddress()
    const error = source === '' ? 'EADDRNOTAVAIL' : transmit(router, source, priority, interval)
    if (error !== undefined) {
      counters['send-failed']++
      failedSends++
      notice('send-failed', `The kernel refused an advert: ${error}`, { error }, error)
      return dispatch({ type: 'send-failed', error, inARow: failedSends })
    }
    failedSends = 0
    counters['advertisement-sent']++
    if (priority === 0) counters['priority-zero-pkts-sent']++
    sentAt = clock.now()
    if (state.phase.name === 'master' && state.phase.claimed && !isOwner(router)) ports.addresses.renew(name)
  }

  function claim() {
    renewRegularly()
    if (isOwner(router)) return dispatch({ type: 'claimed' })
    keeper.hold(allVips(), error => {
      if (error === undefined) {
        story.mark('VIPs added', clock.now())
        return dispatch({ type: 'claimed' })
      }
      counters['claim-refused']++
      notice('claim-refused', `The kernel refused a VIP: ${error}`, { error }, error)
      dispatch({ type: 'claim-refused', error })
    })
  }

  /** Adverts renew the VIPs; where they are rare, or held back, this does. */
  function renewRegularly() {
    cancelRenewal()
    cancelRenewal = clock.at(clock.now() + 1000, () => {
      if (state.phase.name !== 'master') return
      if (state.phase.claimed && !isOwner(router)) ports.addresses.renew(name)
      renewRegularly()
    })
  }

  function transition({ from, to, cause: why }: Extract<Effect, { type: 'transition' }>, before: State, at: Millis) {
    since = epoch()
    cause = why
    if (to === 'master') counters['master-transitions']++
    const led = [...(heard ? [{ at: heard.at, what: `last advert of ${heard.from}` }] : [])]
    const due = deadline(before)
    if (to === 'master' && from === 'backup' && due !== undefined) led.push({ at: due, what: 'deadline' })
    const master = masterNow() ?? heard?.from
    const facts = {
      ...{ router: name, priority: electionPriority(router, state.knowledge) },
      faults: state.phase.name === 'fault' && state.phase.retry ? [state.phase.retry.reason] : state.knowledge.faults,
      ...(master === undefined ? {} : { master }),
    }
    story.begin(from, to, why, facts, at, since, led)
    // The advert has gone out before the transition was told.
    if (to === 'master') story.mark('advert sent', sentAt)
    notify({ type: 'state', router: name, from, to, cause: why })
    if (to === 'init' || to === 'fault') answer({ done: false, code: 'stopped' })
  }

  function tell(what: Notice) {
    switch (what.what) {
      case 'two-masters':
        counters['two-masters']++
        return note('two-masters', `${what.other} (priority ${what.priority}) is master as well`, {
          other: what.other,
          priority: what.priority,
        })
      case 'stalled':
        counters.stalls++
        return note('stalled', `This director was late by ${Math.round(what.late)} ms`, { late: Math.round(what.late) })
      case 'stranger':
        return note('stranger', `${what.address} takes part, but is none of the directors of the file`, {
          address: what.address,
        })
      case 'handed-over':
        answer({ done: true, to: what.to })
        return note('handed-over', `${what.to} has taken over`, { to: what.to })
      case 'no-taker':
        answer({ done: false, code: 'no-taker' })
        return note('no-taker', 'Nobody took over; this director stays master', {})
      case 'wants-master':
        return notify({
          type: 'notice',
          router: name,
          code: 'wants-master',
          text: 'Ready to be master',
          data: {},
          suppressed: 0,
        })
    }
  }

  function note(code: NoticeCode, text: string, data: Readonly<Record<string, string | number>>) {
    notice(code, text, data)
  }

  async function failover({ back, author, reason, lasting = false }: FailoverOrder): Promise<FailoverResult> {
    if (back) {
      if (!state.knowledge.behind) return { done: false, code: 'not-behind' }
      dispatch({ type: 'give-back' })
      notify({ type: 'changed', router: name })
      return { done: true }
    }
    const master = state.phase.name === 'master'
    if (!master && !lasting) return { done: false, code: 'not-master' }
    const behind: Behind = { author, at: epoch(), lasting, ...(reason === undefined ? {} : { reason }) }
    const result = new Promise<FailoverResult>(resolve => waiting.push(resolve))
    dispatch({ type: 'failover', behind })
    notify({ type: 'changed', router: name })
    if (!master) answer({ done: true })
    return result
  }

  function answer(result: FailoverResult) {
    const asked = waiting
    waiting = []
    for (const resolve of asked) resolve(result)
  }

  function reannounce() {
    if (state.phase.name === 'master' && state.phase.claimed) announcements.start(allVips(), router.garp, 'takeover')
  }

  /** Adds tracking up again, and tells the machine where the sum or the faults have changed. */
  function reconsider() {
    const at = clock.now()
    cancelRecheck()
    now = standing(router, samples, startedAt, at)
    cancelRecheck = now.recheckAt === undefined ? () => {} : clock.at(now.recheckAt, reconsider)
    const faults = [
      ...(ownAddress() === '' ? ['no primary address to advertise from'] : []),
      ...now.faults,
      ...groupFaults,
    ]
    const { priority: before, faults: faultsBefore } = state.knowledge
    if (now.priority === before && faults.join('\n') === faultsBefore.join('\n')) return
    dispatch({ type: 'standing', priority: now.priority, faults })
    notify({ type: 'changed', router: name })
  }

  function sampleLink(link: string, up: boolean) {
    samples.set(`interface ${link}`, { state: up, reason: up ? 'up' : 'down' })
  }

  function masterNow(): string | undefined {
    const { phase } = state
    if (phase.name === 'master') return ownAddress()
    return phase.name === 'backup' ? phase.master?.address : undefined
  }

  function ownAddress(): string {
    const source = lan.source()
    return source === undefined ? '' : canonical(source)
  }

  function allVips(): readonly Vip[] {
    return [...router.vips, ...router.excludedVips]
  }
}
