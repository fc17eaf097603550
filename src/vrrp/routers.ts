import type { Note } from '../../vrrp/note.js'
import { restartPatience } from '../../vrrp/patience.js'
import type { Addresses, Announcer, Clock } from '../../vrrp/ports.js'
import { type RouterHandle, runRouter, type StartOptions } from '../../vrrp/router.js'
import type { PeerView } from '../../vrrp/state.js'
import { movesVips, type VirtualRouter } from '../../vrrp/virtual-router.js'
import type { Links } from '../linux/links.js'
import type { Behind, Contribution, Held, Keyed, PeerPriority, RouterStatus } from '../messages.js'
import { createGroups } from './groups.js'
import { addedVips } from './own-addresses.js'
import type { Place, Sockets } from './sockets.js'

export type RoutersPorts = {
  readonly clock: Clock
  readonly links: Links
  readonly sockets: Sockets
  readonly addresses: Addresses
  readonly announcer: Announcer
  readonly notify: (note: Note) => void
  /** The order to stay behind has ended because nobody else has the VIPs. */
  readonly returned: (router: string) => void
}

type Running = {
  config: VirtualRouter
  handle: RouterHandle
  place: Place
  socketKey: string
  /** The order that was carried out. */
  order: Behind | undefined
  /** When its last advert left. */
  sentAt: number
  master: boolean
}

/**
 * Every virtual router of this director. Before `start` (a spare process) it only remembers what it is told.
 */
export function createRouters(ports: RoutersPorts) {
  const configs = new Map<string, { readonly hash: string; readonly config: VirtualRouter }>()
  const running = new Map<string, Running>()
  const contributions = new Map<string, Contribution>()
  let orders: Readonly<Record<string, Behind>> = {}
  let priorities: readonly PeerPriority[] = []
  let ready = false
  let active = false
  let resume: readonly Held[] = []
  /** When the parent said what is left of the patience in `resume`. */
  let resumeAt = 0
  let impostor: Behind | undefined
  const groups = createGroups()

  function converge(): void {
    if (!active) return
    for (const [name, known] of running) if (!configs.has(name)) stopOne(name, known)
    for (const [name, { config }] of configs) {
      const known = running.get(name)
      if (!known) startOne(name, config)
      else if (known.config !== config) {
        if (sameIdentity(known, config)) {
          known.config = config
          known.handle.reconfigure(config)
          groups.place(name, known.handle, config.syncGroup)
        } else {
          stopOne(name, known)
          startOne(name, config)
        }
      }
    }
  }

  /** Another vrid, interface or transport is another virtual router. */
  function sameIdentity(known: Running, config: VirtualRouter): boolean {
    return known.config.vrid === config.vrid && known.socketKey === ports.sockets.key(config)
  }

  function startOne(name: string, config: VirtualRouter): void {
    const order = orderFor(name, config, false)
    let handle: RouterHandle | undefined
    const place = ports.sockets.join(config, packet => handle?.receive(packet))
    const held = resume.find(({ router }) => router === name)
    const options: StartOptions = {
      ready,
      links: new Map(ports.links.all().map(link => [link.name, link.running])),
      peers: viewsOf(name),
      ...(order
        ? {
            behind: {
              author: order.author,
              at: order.at,
              lasting: isLasting(order),
              ...(order.reason ? { reason: order.reason } : {}),
            },
          }
        : {}),
      // What is left of the others' patience was true when the parent said it.
      ...(held ? { resume: { silence: ports.clock.now() - resumeAt, patience: held.patience } } : {}),
    }
    const clocked = { sentAt: ports.clock.now(), master: false }
    const lan = {
      ...place.lan,
      send(payload: Buffer, destination: string) {
        const refused = place.lan.send(payload, destination)
        if (refused === undefined) clocked.sentAt = ports.clock.now()
        return refused
      },
    }
    handle = runRouter(
      config,
      { clock: ports.clock, lan, addresses: ports.addresses, announcer: ports.announcer },
      note => {
        if (note.type === 'state') clocked.master = note.to === 'master'
        ports.notify(note)
        groups.note(note)
      },
      options,
    )
    const known = { config, handle, place, socketKey: ports.sockets.key(config), order }
    running.set(name, Object.assign(clocked, known))
    for (const contribution of contributions.values()) contribute(handle, contribution)
    groups.place(name, handle, config.syncGroup)
  }

  function stopOne(name: string, known: Running): void {
    running.delete(name)
    groups.leave(name)
    void known.handle.leave('stop').finally(() => known.place.leave())
  }

  function contribute(handle: RouterHandle, { source, state, reason }: Contribution): void {
    handle.contribution(source, state, reason)
  }

  /** Makes each router stay behind, or come back, as the orders say. */
  function obey(): void {
    for (const [name, known] of running) {
      const order = orderFor(name, known.config, known.handle.status().state === 'master')
      if (order?.at === known.order?.at) continue
      known.order = order
      const done = order
        ? known.handle.failover({
            back: false,
            author: order.author,
            lasting: isLasting(order) || known.handle.status().state !== 'master',
            ...(order.reason ? { reason: order.reason } : {}),
          })
        : known.handle.failover({ back: true, author: '' })
      void done.then(result => {
        if (!result.done && order && known.order === order && result.code === 'no-taker') ended(name, known)
      })
    }
  }

  /** Its own order, else that of a member of its sync group, else the whole director's, else that nobody may be us twice. */
  function orderFor(name: string, { syncGroup }: VirtualRouter, master: boolean): Behind | undefined {
    const own = orders[name] ?? orders[orderedBy(name, syncGroup)] ?? orders['*']
    // Who is master stays: two that both gave way would leave nobody.
    const kept = !master || running.get(name)?.order === impostor
    return own ?? (kept ? impostor : undefined)
  }

  /** Under which name the order stands that this router follows. */
  function orderedBy(name: string, syncGroup: string | undefined): string {
    if (syncGroup === undefined || orders[name]) return name
    return [...configs].find(([other, { config }]) => config.syncGroup === syncGroup && orders[other])?.[0] ?? name
  }

  /** Also kept while it is master because nobody else is left. */
  function isLasting(order: Behind): boolean {
    return order === orders['*'] || order === impostor
  }

  /** The machine has given up staying behind by itself. */
  function ended(name: string, known: Running): void {
    const by = orderedBy(name, known.config.syncGroup)
    known.order = undefined
    ports.returned(by)
  }

  function viewsOf(router: string): PeerView[] {
    return priorities
      .filter(view => view.router === router)
      .map(({ director, priority, sameConfig, source }) => ({
        director,
        priority,
        sameConfig,
        ...(source === undefined ? {} : { sources: [source] }),
      }))
  }

  function statusOf(name: string, known: Running): RouterStatus {
    const status = known.handle.status()
    const { behind } = status
    if (known.order && !behind && status.state === 'master') queueMicrotask(() => known.order && ended(name, known))
    const source = known.place.lan.source()
    const heard = known.handle.senders()
    // A second spread in one literal costs more than all the rest.
    const all: { -readonly [K in keyof RouterStatus]: RouterStatus[K] } = { ...status }
    all.counters = withStrays(status.counters, known.place.strays())
    all.lateness = known.handle.lateness()
    all.interarrival = known.handle.interarrival()
    if (source !== undefined) all.source = source
    if (heard.length > 0) all.senders = heard
    if (behind) all.behind = known.order ?? behind
    return all
  }

  /** What the parent may withdraw, and by which the next process knows that it is master. */
  function heldBy({ handle, config }: Pick<Running, 'handle' | 'config'>): Held[] {
    const held = handle.held()
    return held ? [{ ...held, vips: addedVips(ports.links, config) }] : []
  }

  return {
    upsert(items: readonly Keyed[]): void {
      for (const { key, hash, value } of items) configs.set(key, { hash, config: value as VirtualRouter })
    },
    remove(names: readonly string[]): void {
      for (const name of names) configs.delete(name)
    },
    converge,
    /**
     * From now on adverts go out; `held` is what the process before this one was master of, its patience what was left
     * of it at `at`.
     */
    start(held: readonly Held[], at: number): void {
      active = true
      resume = held
      resumeAt = at
      converge()
      resume = []
    },
    active: () => active,
    holds: () => Object.fromEntries([...configs].map(([name, { hash }]) => [name, hash])),
    contribution(contribution: Contribution): void {
      contributions.set(contribution.source, contribution)
      for (const { handle } of running.values()) contribute(handle, contribution)
    },
    ready(value: boolean): void {
      ready = value
      for (const { handle } of running.values()) handle.ready(value)
    },
    peers(next: readonly PeerPriority[]): void {
      priorities = next
      for (const [name, { handle }] of running) handle.peers(viewsOf(name))
    },
    behind(next: Readonly<Record<string, Behind>>): void {
      orders = next
      obey()
    },
    /** Somebody at this address says to be this director: whoever is not master stays behind meanwhile. */
    impostor(address: string | undefined): void {
      if ((address === undefined) === (impostor === undefined)) return
      const reason = `${address} says that it is this director`
      impostor = address === undefined ? undefined : { author: 'lvskeeper', reason, at: Date.now() }
      obey()
    },
    config: (name: string) => configs.get(name)?.config,
    configs: () => [...configs.values()].map(({ config }) => config),
    /** How long ago the oldest of the masters' last adverts left, ms; undefined: master of nothing. */
    advertAge(): number | undefined {
      // Twenty times a second: nothing is made for it.
      let oldest: number | undefined
      // An owner's own addresses are nobody's to withdraw.
      for (const { master, config, sentAt } of running.values())
        if (master && movesVips(config) && (oldest === undefined || sentAt < oldest)) oldest = sentAt
      return oldest === undefined ? undefined : ports.clock.now() - oldest
    },
    each: () => [...running].map(([name, { handle, config }]) => ({ name, handle, config })),
    names: () => [...running.keys()],
    status(name: string): RouterStatus | undefined {
      const known = running.get(name)
      return known && statusOf(name, known)
    },
    statuses: (): RouterStatus[] => [...running].map(([name, known]) => statusOf(name, known)),
    held: (): Held[] => [...running.values()].flatMap(heldBy),
    /** What it holds, with the patience that the others have after the last advert before a restart. */
    keptOverRestart: (): Held[] =>
      [...running.values()].flatMap(({ handle, config }) => {
        const held = heldBy({ handle, config })
        return held.map(one => ({ ...one, patience: restartPatience(config) }))
      }),
    async leave(how: 'stop' | 'restart'): Promise<void> {
      await Promise.all([...running.values()].map(({ handle }) => handle.leave(how)))
    },
  }
}

function withStrays(counters: RouterStatus['counters'], strays: Readonly<Record<string, number>>) {
  const reasons = Object.keys(strays)
  if (reasons.length === 0) return counters
  const sum = { ...counters }
  for (const reason of reasons) sum[reason] = (sum[reason] ?? 0) + (strays[reason] ?? 0)
  return sum
}
