import { canonical } from './address.js'
import { histogram, latenessBounds, zeroCounters } from './counters.js'
import { explanation } from './explanation.js'
import type { FailoverOrder, FailoverResult, RouterHandle, RouterPorts, StartOptions } from './handle.js'
import { deadline, initialState, step, wakeAt } from './machine.js'
import type { Note } from './note.js'
import { notices } from './notices.js'
import { electionPriority, patience, restartPatience } from './patience.js'
import { performer } from './performer.js'
import type { Millis } from './ports.js'
import { reception } from './reception.js'
import { routerStatus } from './router-status.js'
import type { Behind, Cause, Effect, Event, State } from './state.js'
import { teller } from './teller.js'
import { timeline } from './timeline.js'
import { tracker } from './tracker.js'
import { allVips, movesVips, movingVips, type VirtualRouter } from './virtual-router.js'

export type { FailoverOrder, FailoverResult, RouterHandle, RouterPorts, StartOptions } from './handle.js'

/** Least time between two additions of VIPs that somebody else removes, in ms. */
const RECLAIM_PAUSE = 1000

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
  const { clock, lan } = ports
  const epoch = ports.epoch ?? Date.now
  const name = config.name
  const counters = zeroCounters()
  const lag = histogram(latenessBounds)
  const notice = notices(name, clock, notify)
  const tell = teller(counters, notice)
  const incoming = reception(counters, notice, epoch)
  const story = timeline(notify)
  const track = tracker(clock, reconsider)

  let router = config
  let state: State = initialState(router, clock.now())
  const outgoing = performer(
    { router: () => router, phase: () => state.phase, ownAddress, dispatch },
    ...([ports, counters, notice, story] as const),
  )
  let standing = track.stand(router)
  let groupFaults: readonly string[] = []
  let groupMost: number | undefined
  let cancel = () => {}
  let since = epoch()
  let cause: Cause = 'startup'
  let heard: { from: string; at: Millis; epoch: number } | undefined
  let reclaimedAt = Number.NEGATIVE_INFINITY
  /** Cancels what is put off until the pause is over. */
  let reclaiming: (() => void) | undefined
  /** Who asked for a hand-over and waits for its end. */
  let waiting: ((result: FailoverResult) => void)[] = []
  const queue: Event[] = []

  /** The interfaces that there are; undefined: nobody says. */
  const present = options.links && new Set(options.links.keys())
  for (const [link, up] of options.links ?? []) track.link(link, up)
  if (options.behind) state = { ...state, knowledge: { ...state.knowledge, behind: options.behind } }
  if (options.peers) dispatch({ type: 'peers', peers: options.peers })
  if (options.ready) dispatch({ type: 'ready', ready: true })
  reconsider()
  dispatch(options.resume ? { type: 'startup', resume: options.resume } : { type: 'startup' })

  return {
    receive(packet) {
      const { waited = 0 } = packet
      const at = clock.now() - waited
      const advert = incoming.take(router, packet, ownAddress(), at)
      if (!advert) return
      const { from, priority, interval } = advert
      const changed = heard?.from !== from
      heard = { from, at, epoch: epoch() - Math.round(waited) }
      dispatch({ type: 'advert', priority, interval, from, waited })
      if (changed) notify({ type: 'changed', router: name })
    },
    contribution(source, value, reason) {
      track.contribution(source, value, reason)
      reconsider()
    },
    trackingLost() {
      track.lost()
      reconsider()
    },
    ready: value => dispatch({ type: 'ready', ready: value }),
    peers: views => dispatch({ type: 'peers', peers: views }),
    linkChanged(link, up) {
      if (up === undefined) present?.delete(link)
      else present?.add(link)
      const returned = track.link(link, up === true) && up === true
      const ours = allVips(router).some(vip => vip.interface === link)
      // Verdicts from behind a dead link are not worth a pre-emption: wait for new ones, or 10 s.
      if (returned && (ours || link === router.interface)) dispatch({ type: 'ready', ready: false })
      reconsider()
      if (returned && ours) reannounce()
    },
    addressChanged: reconsider,
    vipLost(address) {
      counters['vip-lost']++
      notice('vip-lost', `${address} was removed by somebody else; it is put back`, { address }, address)
      // At once, but two programs that both insist must not do so at full speed.
      const due = reclaimedAt + RECLAIM_PAUSE
      if (clock.now() >= due) reclaim()
      else if (!reclaiming) reclaiming = clock.at(due, reclaim)
    },
    membership: () => ({
      name,
      state: state.phase.name,
      wants: state.phase.name === 'backup' && state.phase.wants,
      faults: faults().filter(fault => !groupFaults.includes(fault)),
      given: groupFaults,
      priority: standing.priority,
      ...(groupMost === undefined ? {} : { most: groupMost }),
    }),
    obey(command) {
      if (command.order === 'faults') groupFaults = command.faults
      else if (command.order === 'most') groupMost = command.priority
      else return dispatch({ type: 'group', to: command.order })
      reconsider()
    },
    reannounce,
    failover,
    reconfigure(next) {
      const before = router
      router = next
      reconsider()
      dispatch({ type: 'reconfigured', before })
      notify({ type: 'changed', router: name })
    },
    async leave(how) {
      // The kernel must keep them until the next process is there.
      if (how === 'restart' && state.phase.name === 'master') outgoing.renew(restartPatience(router))
      const ended = new Promise<unknown>(resolve => waiting.push(resolve))
      dispatch({ type: 'shutdown', how })
      if (state.phase.name !== 'init') await ended
      answer({ done: false, code: 'stopped' })
      cancel()
      reclaiming?.()
      track.stop()
      outgoing.stop()
      await outgoing.settled()
    },
    status: () =>
      routerStatus({
        ...{ router, state, standing, since, cause, counters, faults: faults() },
        ...{ master: masterNow(), lastAdvert: heard?.epoch, timeline: story.moments() },
      }),
    explain: () => explanation(router, state, heard, clock.now()),
    counters: () => counters,
    lateness: incoming.lateness,
    interarrival: incoming.interarrival,
    senders: incoming.senders,
    lag: lag.read,
    held: () =>
      state.phase.name === 'master' && movesVips(router)
        ? { router: name, vips: movingVips(router), patience: patience(router) }
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
    const due = wakeAt(state)
    if (due !== wakeAt(before) || event.type === 'tick') {
      cancel()
      cancel = due === undefined ? () => {} : clock.at(due, wake)
    }
    for (const effect of effects)
      if (effect.type === 'transition') transition(effect, before, at)
      else if (effect.type === 'notice') noticed(effect)
      else outgoing.perform(effect)
  }

  function wake() {
    lag.add(Math.max(0, clock.now() - (wakeAt(state) ?? clock.now())))
    // What waits in the socket is older than the deadline.
    lan.drain?.()
    dispatch({ type: 'tick' })
  }

  function transition({ from, to, cause: why }: Extract<Effect, { type: 'transition' }>, before: State, at: Millis) {
    since = epoch()
    cause = why
    if (to === 'master') counters['master-transitions']++
    const led = heard ? [{ at: heard.at, what: `last advert of ${heard.from}` }] : []
    const due = deadline(before)
    if (to === 'master' && from === 'backup' && due !== undefined) led.push({ at: due, what: 'deadline' })
    const master = masterNow() ?? heard?.from
    const facts = { router: name, priority: electionPriority(router, state.knowledge), faults: faults() }
    story.begin(from, to, why, master === undefined ? facts : { ...facts, master }, at, since, led)
    // The advert went out before anything else.
    if (to === 'master') story.mark('advert sent', outgoing.sentAt())
    notify({ type: 'state', router: name, from, to, cause: why })
    if (to === 'init' || to === 'fault') answer({ done: false, code: 'stopped' })
  }

  function noticed({ notice: what }: Extract<Effect, { type: 'notice' }>) {
    if (what.what === 'handed-over') answer({ done: true, to: what.to })
    if (what.what === 'no-taker') answer({ done: false, code: 'no-taker' })
    tell(what)
  }

  async function failover({ back, author, reason, lasting = false }: FailoverOrder): Promise<FailoverResult> {
    const master = state.phase.name === 'master'
    if (back && !state.knowledge.behind) return { done: false, code: 'not-behind' }
    if (!back && !master && !lasting) return { done: false, code: 'not-master' }
    const behind: Behind = { author, at: epoch(), lasting, ...(reason === undefined ? {} : { reason }) }
    const result = new Promise<FailoverResult>(resolve => waiting.push(resolve))
    dispatch(back ? { type: 'give-back' } : { type: 'failover', behind })
    notify({ type: 'changed', router: name })
    if (back || !master) answer({ done: true })
    return result
  }

  function answer(result: FailoverResult) {
    const asked = waiting
    waiting = []
    for (const resolve of asked) resolve(result)
  }

  function reannounce() {
    if (state.phase.name === 'master' && state.phase.claimed) outgoing.reannounce()
  }

  function reclaim() {
    reclaiming = undefined
    reclaimedAt = clock.now()
    dispatch({ type: 'vip-lost' })
  }

  /** Adds tracking up again, and tells the machine where the sum or the faults have changed. */
  function reconsider() {
    standing = track.stand(router)
    const noSource = ownAddress() === '' ? ['no primary address to advertise from'] : []
    const all = [...noSource, ...standing.faults, ...missing(), ...groupFaults]
    const { unwitnessed } = standing
    const { priority: priorityBefore, faults: before, unwitnessed: unwitnessedBefore } = state.knowledge
    const priority = Math.min(standing.priority, groupMost ?? 255)
    const same = priority === priorityBefore && unwitnessed === unwitnessedBefore
    if (same && all.join('\n') === before.join('\n')) return
    dispatch({ type: 'standing', priority, faults: all, ...(unwitnessed === undefined ? {} : { unwitnessed }) })
    notify({ type: 'changed', router: name })
  }

  /** Where a VIP has no interface a claim would be refused: better not to take the mastership from anybody for that. Its own interface is tracked. */
  function missing(): string[] {
    if (!present) return []
    const names = new Set(allVips(router).map(vip => vip.interface))
    names.delete(router.interface)
    return [...names].filter(link => !present.has(link)).map(link => `interface ${link} of its VIPs is missing`)
  }

  function faults(): readonly string[] {
    const { phase, knowledge } = state
    return phase.name === 'fault' && phase.retry ? [...knowledge.faults, phase.retry.reason] : knowledge.faults
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
}
