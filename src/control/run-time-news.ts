import type { Address, Message, Override, PeerPriority } from '../messages.js'
import { active } from './overrides.js'
import type { createPeers } from './peers.js'
import type { State } from './state.js'

export interface RunTimeNewsPorts {
  send(to: Address, message: Message): void
  readonly peers: Pick<ReturnType<typeof createPeers>, 'paths' | 'overridesKnown'>
}

/**
 * What vrrp and checkers are told beside the configuration: orders, overrides, and what the other directors say. Many routers take many
 * datagrams a second, which mostly say what the last ones said: only what differs is told on.
 */
export function createRunTimeNews(state: Pick<State, 'orders' | 'overrides'>, { send, peers }: RunTimeNewsPorts) {
  let pathsSaid = ''
  let prioritiesSaid = ''
  let knownSaid = false

  /** The table of a director that was away is ready only when it knows what was said meanwhile on the others. */
  function overrides(held: readonly Override[]): void {
    knownSaid = peers.overridesKnown()
    send('checkers', { type: 'overrides', overrides: held, known: knownSaid })
  }

  /** What the other directors found on the clients' paths. */
  function paths(): void {
    const found = peers.paths()
    const said = JSON.stringify(found)
    if (said === pathsSaid) return
    pathsSaid = said
    send('checkers', { type: 'peer-paths', ...found })
  }

  /** The datagrams come in any order. */
  function priorities(list: readonly PeerPriority[], impostor: string | undefined): void {
    const said = [impostor, ...list.map(({ at: _, ...one }) => JSON.stringify(one)).sort()].join()
    if (said === prioritiesSaid) return
    prioritiesSaid = said
    send('vrrp', { type: 'peers', peers: list, ...(impostor === undefined ? {} : { impostor }) })
  }

  return {
    overrides,
    orders: (behind: State['orders']) => send('vrrp', { type: 'behind', behind }),
    /** The other directors have said something. */
    heard(list: readonly PeerPriority[], impostor: string | undefined): void {
      priorities(list, impostor)
      paths()
      if (!knownSaid && peers.overridesKnown()) overrides(active(state.overrides, Date.now()))
    },
    /** A process that has just started knows nothing of what was said at run time. */
    again(to: Address): void {
      if (to === 'vrrp') {
        send('vrrp', { type: 'behind', behind: state.orders })
        prioritiesSaid = ''
      }
      if (to !== 'checkers') return
      overrides(active(state.overrides, Date.now()))
      pathsSaid = ''
      paths()
    },
  }
}
