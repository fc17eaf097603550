import type { Note } from '../../vrrp/note.js'
import type { Addresses, Announcer, Clock } from '../../vrrp/ports.js'
import { type RouterHandle, runRouter, type StartOptions } from '../../vrrp/router.js'
import type { PeerView } from '../../vrrp/state.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import type { Links } from '../linux/links.js'
import type { Behind, Contribution, Held, Keyed, PeerPriority, RouterStatus } from '../messages.js'
import type { Sockets } from './sockets.js'

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
  place: { leave(): void }
  socketKey: string
  /** The order that was carried out. */
  order: Behind | undefined
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
    const order = orders[name] ?? orders['*']
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
              lasting: orders['*'] !== undefined,
              ...(order.reason ? { reason: order.reason } : {}),
            },
          }
        : {}),
      // The last advert is at most one interval old when its sender has just died.
      ...(held ? { resume: { silence: Math.max(0, config.advertInterval) } } : {}),
    }
    handle = runRouter(
      config,
      { clock: ports.clock, lan: place.lan, addresses: ports.addresses, announcer: ports.announcer },
      ports.notify,
      options,
    )
    running.set(name, { config, handle, place, socketKey: ports.sockets.key(config), order })
    for (const contribution of contributions.values()) contribute(handle, contribution)
  }

  function stopOne(name: string, known: Running): void {
    running.delete(name)
    void known.handle.leave('stop').finally(() => known.place.leave())
  }

  function contribute(handle: RouterHandle, { source, state, reason }: Contribution): void {
    handle.contribution(source, state, reason)
  }

  /** Makes each router stay behind, or come back, as the orders say. */
  function obey(): void {
    for (const [name, known] of running) {
      const order = orders[name] ?? orders['*']
      if (order?.at === known.order?.at) continue
      const lasting = orders['*'] !== undefined
      known.order = order
      const done = order
        ? known.handle.failover({
            back: false,
            author: order.author,
            lasting: lasting || known.handle.status().state !== 'master',
            ...(order.reason ? { reason: order.reason } : {}),
          })
        : known.handle.failover({ back: true, author: '' })
      void done.then(result => {
        if (!result.done && order && known.order === order && result.code === 'no-taker') ended(name, known)
      })
    }
  }

  /** The machine has given up staying behind by itself. */
  function ended(name: string, known: Running): void {
    known.order = undefined
    ports.returned(name)
  }

  function viewsOf(router: string): PeerView[] {
    return priorities
      .filter(view => view.router === router)
      .map(({ director, priority, sameConfig }) => ({ director, priority, sameConfig }))
  }

  return {
    upsert(items: readonly Keyed[]): void {
      for (const { key, hash, value } of items) configs.set(key, { hash, config: value as VirtualRouter })
    },
    remove(names: readonly string[]): void {
      for (const name of names) configs.delete(name)
    },
    converge,
    /** From now on adverts go out; `held` is what the process before this one was master of. */
    start(held: readonly Held[]): void {
      active = true
      resume = held
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
    each: () => [...running].map(([name, { handle, config }]) => ({ name, handle, config })),
    statuses(): RouterStatus[] {
      return [...running].map(([name, known]) => {
        const { behind, ...status } = known.handle.status()
        if (known.order && !behind && status.state === 'master') queueMicrotask(() => known.order && ended(name, known))
        return { ...status, ...(behind ? { behind: known.order ?? behind } : {}) }
      })
    },
    held: (): Held[] => [...running.values()].flatMap(({ handle }) => handle.held() ?? []),
    async leave(how: 'stop' | 'restart'): Promise<void> {
      await Promise.all([...running.values()].map(({ handle }) => handle.leave(how)))
    },
  }
}
