import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Event, Override } from '../messages.js'
import { type Acceptance, accept, stranger } from './acceptance.js'
import { type Alarms, follow, wrong } from './alarms.js'
import { type Datagram, decode, encode, largest } from './datagram.js'
import { split } from './split.js'
import type { PeerReport, PeerRouter, PeerState, PeerView } from './view.js'

/** UDP; no assignment by IANA. `peer_port` changes it, on all directors. */
export const defaultPort = 9432

const interval = 1_000
const freshFor = 3_000
/** Changes in one turn of the loop, and a burst of them, go out together. */
const coalesce = 10
/** What a datagram provokes is paced: two directors that differ must not talk each other into a storm. */
const pace = 200
/** How many overrides a round carries at most, where fingerprints differ; the next round carries the next ones. */
const mostOverrides = 200

export type PeerChannelOptions = {
  readonly self: { readonly name: string; readonly addresses: readonly string[] }
  readonly peers: readonly { readonly name: string; readonly addresses: readonly string[] }[]
  readonly port?: number
  /** Of the key file, one per line: the first signs, all verify. Asked for each round, so that a new file holds at once. */
  readonly keys: () => readonly Buffer[]
  readonly report: () => PeerReport
  /** Whether another director's report shows other secrets than ours. */
  readonly secretsDiffer?: (report: PeerReport) => boolean
  /** All stamps, the ended ones too. */
  readonly overrides: () => readonly Override[]
  /** What another director knows; merge it, the newest wins. */
  readonly learned: (overrides: readonly Override[], from: string) => void
  readonly event: (event: Event) => void
  /** The views changed: heard, silent, another report. */
  readonly changed?: () => void
  readonly clock: { now(): number; at(deadline: number, wake: () => void): () => void }
}

export type PeerChannel = {
  /** Say it now, not at the next second. */
  tell(): void
  views(): readonly PeerView[]
  /** Each other director has once held the same overrides as we do, or has not been heard for so long that it is away. */
  agreed(): boolean
  /** The address of a director that says it is us: stay backup while there is one. */
  impostor(): string | undefined
  /** Datagrams by what became of them. */
  counters(): Readonly<Record<string, number>>
  stop(): void
}

type Peer = {
  readonly name: string
  readonly addresses: readonly string[]
  acceptance: Acceptance
  lastHeard?: { readonly now: number; readonly epoch: number; readonly from: string }
  report?: PeerReport
  digest?: string
  mismatchSince?: number
  nextOverride: number
  /** It has once held the overrides that we hold. */
  agreed: boolean
}

/** Directors that run know each other within two seconds; who is not heard by then is away. */
const away = 3_000
/** Overrides that differ for so long keep nobody waiting. */
const disagreed = 10_000

/** One datagram a second and at every change to each address of the other directors. The election never waits for it. */
export function openPeerChannel(options: PeerChannelOptions): PeerChannel {
  const { self, clock, port = defaultPort } = options
  const boot = randomBytes(12).toString('base64url')
  const peers = options.peers.map((peer): Peer => ({ ...peer, acceptance: stranger, nextOverride: 0, agreed: false }))
  const sockets = new Map(self.addresses.map(address => [address, bind(address)]))
  const counters: Record<string, number> = {}
  let seq = 0
  let alarms: Alarms = new Map()
  let impostor: { readonly address: string; readonly now: number } | undefined
  let lastRound = 0
  let nextRound = clock.now()
  let cancel = clock.at(nextRound, round)
  let stopped = false
  const openedAt = clock.now()
  let agreedBefore = false

  function count(what: string) {
    counters[what] = (counters[what] ?? 0) + 1
  }

  function bind(address: string): Socket {
    const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', reuseAddr: false })
    socket.on('message', (bytes, { address: from }) => receive(bytes, from))
    // The address may come later, or the port be taken: said once, tried again with the next round.
    socket.on('error', error => {
      count('socket-error')
      if (counters['socket-error'] === 1) complain(address, error.message)
      socket.close()
      sockets.delete(address)
    })
    socket.bind({ port, address, exclusive: true })
    return socket
  }

  function complain(address: string, why: string) {
    const text = `the peer channel cannot use ${address} port ${port}: ${why}`
    options.event({ at: Date.now(), name: 'peer.socket', level: 'warning', subject: `address ${address}`, text })
  }

  function round() {
    if (stopped) return
    lastRound = clock.now()
    for (const address of self.addresses) if (!sockets.has(address)) sockets.set(address, bind(address))
    const keys = options.keys()
    const key = keys[0]
    if (key) for (const peer of peers) send(peer, key)
    look()
    nextRound = clock.now() + interval
    cancel = clock.at(nextRound, round)
  }

  function send(peer: Peer, key: Buffer) {
    const all = options.overrides()
    const digest = fingerprint(all)
    for (const part of split(options.report(), portion(peer, all, digest), largest)) {
      const head = { from: self.name, boot, seq: ++seq, echo: peer.acceptance.heard, digest }
      const bytes = encode({ ...head, ...part }, key)
      for (const address of peer.addresses) socketFor(address)?.send(bytes, port, address, failed)
    }
  }

  function failed(error: Error | null) {
    count(error ? 'send-failed' : 'sent')
  }

  /** Nothing while both hold the same; else the next few, so that a long list comes across in a few rounds. */
  function portion(peer: Peer, all: readonly Override[], digest: string): readonly Override[] {
    if (peer.digest === undefined || peer.digest === digest) return []
    if (peer.nextOverride >= all.length) peer.nextOverride = 0
    const some = all.slice(peer.nextOverride, peer.nextOverride + mostOverrides)
    peer.nextOverride += some.length
    return some
  }

  function socketFor(address: string): Socket | undefined {
    const own = self.addresses.find(each => isIPv6(each) === isIPv6(address))
    return own === undefined ? undefined : sockets.get(own)
  }

  function receive(bytes: Buffer, from: string) {
    const result = decode(bytes, options.keys())
    if ('discard' in result) return count(result.discard)
    const { datagram } = result
    if (datagram.boot === boot) return count('own')
    if (datagram.from === self.name) return double(datagram, from)
    const peer = peers.find(({ name }) => name === datagram.from)
    if (!peer) return count('stranger')
    const [acceptance, judgement] = accept(peer.acceptance, datagram, boot)
    const greeted = judgement === 'unproven' && acceptance.heard.join() !== peer.acceptance.heard.join()
    peer.acceptance = acceptance
    count(judgement)
    // It has just started, or we have: the sooner it hears our echo, the sooner both believe.
    if (greeted) bringForward(pace)
    if (judgement === 'accepted') believe(peer, datagram, from)
  }

  const doubles = { acceptance: stranger }

  /** Somebody with our key and our name. Believed only with our echo, so that our own past cannot be played to us. */
  function double(datagram: Datagram, from: string) {
    const [acceptance, judgement] = accept(doubles.acceptance, datagram, boot)
    doubles.acceptance = acceptance
    count(`double-${judgement}`)
    const key = options.keys()[0]
    if (judgement === 'unproven' && key) {
      const head = { from: self.name, boot, seq: ++seq, echo: acceptance.heard, digest: 'none' }
      const bytes = encode({ ...head, report: options.report(), overrides: [], routerCount: 0 }, key)
      if (bytes.length <= largest) socketFor(from)?.send(bytes, port, from, failed)
    }
    if (judgement !== 'accepted') return
    impostor = { address: from, now: clock.now() }
    look()
  }

  function believe(peer: Peer, datagram: Datagram, from: string) {
    const returned = stateOf(peer) !== 'fresh'
    peer.lastHeard = { now: clock.now(), epoch: Date.now(), from }
    peer.report = { ...datagram.report, routers: routersOf(peer.report?.routers ?? [], datagram) }
    peer.digest = datagram.digest
    if (datagram.report.configHash === options.report().configHash) delete peer.mismatchSince
    else peer.mismatchSince ??= Date.now()
    if (datagram.overrides.length > 0) options.learned(datagram.overrides, peer.name)
    const same = datagram.digest === fingerprint(options.overrides())
    if (same) peer.agreed = true
    if (returned || !same) bringForward(pace)
    agreedBefore = agreed()
    options.changed?.()
  }

  /** Not before `gap` ms after the last round: a burst of changes makes one round. */
  function bringForward(gap: number) {
    const soon = Math.max(clock.now(), lastRound + gap)
    if (stopped || nextRound <= soon) return
    cancel()
    nextRound = soon
    cancel = clock.at(soon, round)
  }

  function look() {
    if (impostor && clock.now() - impostor.now > 2 * freshFor) impostor = undefined
    const found = wrong(views(), options.report().configHash, impostor?.address)
    const [next, events] = follow(alarms, found, { now: clock.now(), epoch: Date.now() })
    alarms = next
    for (const event of events) options.event(event)
    const settled = agreed()
    if (events.length > 0 || settled !== agreedBefore) {
      agreedBefore = settled
      options.changed?.()
    }
  }

  function agreed(): boolean {
    const since = clock.now() - openedAt
    return peers.every(peer => peer.agreed || since > (peer.lastHeard ? disagreed : away))
  }

  function stateOf({ lastHeard }: Peer): PeerState {
    if (!lastHeard) return 'never'
    return clock.now() - lastHeard.now <= freshFor ? 'fresh' : 'silent'
  }

  function views(): PeerView[] {
    return peers.map(peer => ({
      name: peer.name,
      addresses: peer.addresses,
      state: stateOf(peer),
      ...(peer.lastHeard ? { lastHeard: peer.lastHeard.epoch, from: peer.lastHeard.from } : {}),
      ...(peer.report ? { report: peer.report } : {}),
      ...(peer.mismatchSince === undefined ? {} : { mismatchSince: peer.mismatchSince }),
      ...(peer.report && options.secretsDiffer?.(peer.report) ? { secretsDiffer: true as const } : {}),
    }))
  }

  return {
    tell: () => bringForward(coalesce),
    views,
    agreed,
    impostor: () => impostor?.address,
    counters: () => ({ ...counters }),
    stop() {
      stopped = true
      cancel()
      for (const socket of sockets.values()) socket.close()
      sockets.clear()
    },
  }
}

/** A round of many routers comes in parts: what a part does not name stays, until it says that there are fewer. */
function routersOf(known: readonly PeerRouter[], { report, routerCount }: Datagram): PeerRouter[] {
  const fresh = new Set(report.routers.map(({ name }) => name))
  if (report.routers.length === routerCount) return [...report.routers]
  return [...known.filter(({ name }) => !fresh.has(name)), ...report.routers].slice(-routerCount)
}

/** The same for the same stamps, whatever their order and the order of their fields. */
export function fingerprint(overrides: readonly Override[]): string {
  const lines = overrides.map(each => JSON.stringify(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))))
  return createHash('sha256').update(lines.sort().join('\n')).digest('base64url').slice(0, 22)
}
