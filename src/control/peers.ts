import type { Config } from '../../config/config.js'
import type { Clock } from '../clock.js'
import { type Event, mostPaths, type Override, type PeerPriority } from '../messages.js'
import { openPeerChannel, type PeerChannel } from '../peer/channel.js'
import { keyReader } from '../peer/key-file.js'
import { keyedSecrets, secretsDiffer } from '../peer/secrets.js'
import type { PeerReport, PeerView } from '../peer/view.js'
import { version } from '../version.js'
import { current } from './behind.js'
import { event, type State } from './state.js'

export interface PeerPorts {
  readonly clock: Clock
  event(event: Event): void
  /** Another director knows overrides; merge them. */
  learned(overrides: readonly Override[]): void
  /** What vrrp's rank may use, and the address of somebody who says to be us. */
  changed(priorities: readonly PeerPriority[], impostor: string | undefined): void
}

/** Parts of a report that come within this time are looked at together, ms. */
const gathered = 10

/** The peer channel as the configuration wants it; opened anew only when who speaks to whom has changed. */
export function createPeers(state: State, ports: PeerPorts) {
  let channel: PeerChannel | undefined
  let keys: () => readonly Buffer[] = () => []
  let opened = ''
  let unreadable = ''
  let unsaid = 0
  let known = false
  let changing = false

  function open(config: Config): void {
    const { node, directors, peerKeyFile, peerPort } = config
    const identity = JSON.stringify([node.name, directors, peerKeyFile, peerPort])
    if (identity === opened) return channel?.tell()
    opened = identity
    channel?.stop()
    channel = undefined
    if (peerKeyFile === undefined) return
    keys = keyReader(peerKeyFile, ports.clock.now, complain)
    channel = openPeerChannel({
      self: node,
      peers: directors.filter(({ name }) => name !== node.name),
      port: peerPort,
      keys,
      report,
      secretsDiffer: said => secretsDiffer(said, state.config, keys()),
      overrides: () => state.overrides,
      learned: overrides => ports.learned(overrides),
      event: ports.event,
      changed: changedSoon,
      clock: ports.clock,
    })
  }

  /** The report of many routers comes in many parts at once, each of which says that something may have changed. */
  function changedSoon(): void {
    if (changing) return
    changing = true
    const { clock } = ports
    clock.at(clock.now() + gathered, () => {
      changing = false
      ports.changed(priorities(), channel?.impostor())
    })
  }

  function complain(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    if (text === unreadable) return
    unreadable = text
    ports.event(event('peer.key-unreadable', 'alarm', 'peer channel', `the peer key cannot be read: ${text}`))
  }

  /** The rest stays untold until fewer are broken: the others would go on sending clients there. */
  function cut(broken: readonly number[]): readonly number[] {
    const more = Math.max(0, broken.length - mostPaths)
    if (more > 0 && unsaid === 0) {
      const text = `${broken.length} clients' paths are broken, of which the other directors are told ${mostPaths}: the other ${more} do not fit a datagram`
      ports.event(event('peer.paths-cut', 'alarm', 'peer channel', text, { broken: broken.length, told: mostPaths }))
    }
    unsaid = more
    return broken.slice(0, mostPaths)
  }

  function report(): PeerReport {
    const { config, generation, table } = state
    const [key] = keys()
    const { secretsHash } = config
    return {
      version,
      configHash: config.hash,
      ...(secretsHash === undefined || !key ? {} : { secrets: keyedSecrets(secretsHash, key) }),
      generation,
      tableReady: table.complete,
      syncReady: table.unsynced === undefined,
      maintenance: current(state.orders, Date.now())['*'] !== undefined,
      routers: [...state.routers.values()].map(({ name, vrid, state: now, priority, source }) => ({
        name,
        vrid,
        state: now,
        priority: priority.effective,
        ...(source === undefined ? {} : { source }),
      })),
      ...(state.brokenPaths ? { brokenPaths: cut(state.brokenPaths) } : {}),
    }
  }

  function priorities(): PeerPriority[] {
    return views().flatMap(({ name, report: said, state: heard, lastHeard }) =>
      heard !== 'fresh' || !said || lastHeard === undefined
        ? []
        : said.routers.map(router => ({
            director: name,
            router: router.name,
            priority: router.priority,
            state: router.state,
            ...(router.source === undefined ? {} : { source: router.source }),
            sameConfig: said.configHash === state.config.hash,
            at: lastHeard,
          })),
    )
  }

  /** What the others that are heard find broken on the clients' paths; `heard`: at least one probes them. */
  function paths(): { readonly broken: readonly number[]; readonly heard: boolean } {
    const told = views().flatMap(({ state: heard, report: said }) =>
      heard === 'fresh' && said?.brokenPaths ? [said.brokenPaths] : [],
    )
    return { broken: [...new Set(told.flat())].sort((a, b) => a - b), heard: told.length > 0 }
  }

  function views(): readonly PeerView[] {
    return channel?.views() ?? []
  }

  /** Whether what was said at run time on other directors is known here; once it is, it stays so. */
  function overridesKnown(): boolean {
    known ||= opened !== '' && (channel?.agreed() ?? true)
    return known
  }

  return { open, views, paths, overridesKnown, tell: () => channel?.tell(), stop: () => channel?.stop() }
}
