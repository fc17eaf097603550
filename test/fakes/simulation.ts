import { compareAddresses } from '../../vrrp/address.js'
import { initialState, step, wakeAt } from '../../vrrp/machine.js'
import type { Effect, Event, PeerView, State } from '../../vrrp/state.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import { addressOf } from './virtual-router.js'

/** How long the kernel keeps a VIP that nobody renews. */
const LIFETIME = 3000

export type Random = ReturnType<typeof random>

/** mulberry32: the same seed, the same history. */
export function random(seed: number) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return {
    next,
    between: (low: number, high: number) => low + next() * (high - low),
    int: (low: number, high: number) => low + Math.floor(next() * (high - low + 1)),
    chance: (p: number) => next() < p,
    pick: <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!,
  }
}

/** `at`: when it arrived at a director that was asleep. */
type Packet = { readonly from: number; readonly priority: number; readonly interval: number; readonly at?: number }
export type Director = {
  readonly index: number
  router: VirtualRouter
  state: State
  /** Its clock runs this fast. */
  readonly rate: number
  alive: boolean
  stalledUntil: number
  socket: Packet[]
  /** Until when its kernel has the VIP; 0: it has not. */
  vipUntil: number
  lastSent: number
  tickAt: number
  claims: number
  transitions: { at: number; from: string; to: string; cause: string }[]
}

export type Network = {
  loss: number
  delay: () => number
  duplicates: number
  cut: (from: number, to: number) => boolean
}

/** Directors in virtual time, with everything that can go wrong between them. Below the loop: what is tested is the machine. */
export function simulate(routers: readonly VirtualRouter[], rnd: Random, readAll = 0.8, leastRead = 0) {
  let now = 0
  let serial = 0
  const heap = new Heap()
  const network: Network = { loss: 0, delay: () => rnd.between(0.05, 0.3), duplicates: 0, cut: () => false }
  // Put into words only when somebody asks.
  const log: [at: number, director: number, what: string, priority?: number][] = []
  const directors = routers.map(
    (router, index): Director => ({
      ...{ index, router, rate: 1 + rnd.between(-0.002, 0.002), alive: false, stalledUntil: 0 },
      ...{ socket: [], vipUntil: 0, lastSent: Number.NEGATIVE_INFINITY, tickAt: Number.POSITIVE_INFINITY },
      ...{ claims: 0, transitions: [], state: initialState(router, 0) },
    }),
  )
  /** Called after every event. */
  let observe: (at: number) => void = () => {}

  const api = {
    directors,
    network,
    log: () =>
      log.map(
        ([at, director, what, priority]) =>
          `${at.toFixed(2)} d${director + 1} ${what}${priority === undefined ? '' : ` ${priority}`}`,
      ),
    now: () => now,
    onEvent: (look: (at: number) => void) => {
      observe = look
    },
    at: (when: number, act: () => void) => heap.push({ at: when, order: serial++, act }),
    start(one: Director, options: { resume?: boolean; ready?: boolean; views?: readonly PeerView[] } = {}) {
      one.alive = true
      one.stalledUntil = 0
      one.socket = []
      one.state = initialState(one.router, local(one))
      if (!options.resume) one.vipUntil = 0
      if (options.views) dispatch(one, { type: 'peers', peers: options.views })
      dispatch(one, { type: 'ready', ready: options.ready ?? true })
      const silence = (now - one.lastSent) * one.rate
      dispatch(one, options.resume ? { type: 'startup', resume: { silence } } : { type: 'startup' })
      // A process that does not go on sweeps what the one before left.
      if (one.state.phase.name !== 'master') one.vipUntil = 0
    },
    crash(one: Director) {
      note(one, 'crash')
      one.alive = false
      one.socket = []
      one.tickAt = Number.POSITIVE_INFINITY
    },
    stall(one: Director, length: number) {
      note(one, 'stall', length)
      one.stalledUntil = Math.max(one.stalledUntil, now + length)
      api.at(one.stalledUntil, () => awake(one))
    },
    tell: (one: Director, event: Event) => {
      if (one.alive) dispatch(one, event)
    },
    masters: () => directors.filter(one => one.alive && one.state.phase.name === 'master'),
    holders: () => directors.filter(one => one.vipUntil > now),
    until(end: number) {
      for (let next = heap.peek(); next && next.at <= end; next = heap.peek()) {
        heap.pop()
        now = Math.max(now, next.at)
        next.act()
        observe(now)
      }
      now = end
    },
  }
  return api

  function local(one: Director) {
    return now * one.rate
  }

  function dispatch(one: Director, event: Event) {
    const [next, effects] = step(one.router, one.state, event, local(one), addressOf(one.index))
    one.state = next
    for (const effect of effects) perform(one, effect)
    arm(one)
  }

  function arm(one: Director) {
    const due = wakeAt(one.state)
    const at = due === undefined ? Number.POSITIVE_INFINITY : Math.max(now, due / one.rate)
    if (at === one.tickAt) return
    one.tickAt = at
    if (at === Number.POSITIVE_INFINITY) return
    // A timer's own lateness
    const late = rnd.between(0, 0.3)
    heap.push({ at: at + late, order: serial++, act: () => wake(one, at) })
  }

  function wake(one: Director, at: number) {
    if (!one.alive || one.tickAt !== at || one.stalledUntil > now) return
    one.tickAt = Number.POSITIVE_INFINITY
    dispatch(one, { type: 'tick' })
  }

  function awake(one: Director) {
    if (!one.alive || one.stalledUntil > now) return
    const reads = rnd.chance(readAll)
      ? one.socket.length
      : rnd.int(Math.min(leastRead, one.socket.length), one.socket.length)
    for (const packet of one.socket.splice(0, reads)) receive(one, packet)
    const due = wakeAt(one.state)
    if (due !== undefined && local(one) >= due) {
      one.tickAt = Number.POSITIVE_INFINITY
      dispatch(one, { type: 'tick' })
    }
    for (const packet of one.socket.splice(0)) receive(one, packet)
    arm(one)
  }

  function receive(one: Director, packet: Packet) {
    const { priority, interval } = packet
    const waited = (now - (packet.at ?? now)) * one.rate
    dispatch(one, { type: 'advert', priority, interval, from: addressOf(packet.from), waited })
  }

  function perform(one: Director, effect: Effect) {
    switch (effect.type) {
      case 'send': {
        one.lastSent = now
        if (one.vipUntil > 0) one.vipUntil = now + LIFETIME
        note(one, 'advert', effect.priority)
        const packet = { from: one.index, priority: effect.priority, interval: effect.interval }
        for (const other of directors) if (other !== one) transmit(packet, other)
        return
      }
      case 'claim':
        one.claims++
        one.vipUntil = now + LIFETIME
        // The kernel's answer takes a moment.
        api.at(now + rnd.between(0.05, 0.5), () => {
          if (one.alive && one.state.phase.name === 'master') dispatch(one, { type: 'claimed' })
        })
        return
      case 'release':
        one.vipUntil = 0
        return
      case 'transition':
        one.transitions.push({ at: now, from: effect.from, to: effect.to, cause: effect.cause })
        note(one, `${effect.from} -> ${effect.to} (${effect.cause})`)
        return
      case 'announce':
      case 'notice':
        return
    }
  }

  function transmit(packet: Packet, to: Director) {
    const copies = rnd.chance(network.duplicates) ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (network.cut(packet.from, to.index) || rnd.chance(network.loss)) continue
      api.at(now + network.delay(), () => {
        if (!to.alive) return
        if (to.stalledUntil > now) to.socket.push({ ...packet, at: now })
        else receive(to, packet)
      })
    }
  }

  function note(one: Director, what: string, detail?: number) {
    if (log.length < 3000) log.push(detail === undefined ? [now, one.index, what] : [now, one.index, what, detail])
  }
}

/** The one that should win: highest priority, then highest address. */
export function best(directors: readonly Director[]): Director {
  return [...directors].sort(
    (a, b) =>
      b.state.knowledge.priority - a.state.knowledge.priority ||
      compareAddresses(addressOf(b.index), addressOf(a.index)),
  )[0]!
}

type Entry = { at: number; order: number; act: () => void }

class Heap {
  private readonly entries: Entry[] = []

  peek(): Entry | undefined {
    return this.entries[0]
  }

  push(entry: Entry) {
    const { entries } = this
    entries.push(entry)
    let i = entries.length - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(entries[i]!, entries[parent]!)) break
      ;[entries[i], entries[parent]] = [entries[parent]!, entries[i]!]
      i = parent
    }
  }

  pop(): Entry | undefined {
    const { entries } = this
    const top = entries[0]
    const last = entries.pop()
    if (!top || !last || entries.length === 0) return top
    entries[0] = last
    for (let i = 0; ; ) {
      let least = i
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < entries.length && before(entries[child]!, entries[least]!)) least = child
      if (least === i) return top
      ;[entries[i], entries[least]] = [entries[least]!, entries[i]!]
      i = least
    }
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
