import type { Address, Hello, Keyed, Message } from '../messages.js'
import { chunks, difference, isEmpty } from './difference.js'

/** What the resolved configuration becomes for the processes that carry it out. */
export type Wanted = {
  readonly routers: readonly Keyed[]
  readonly services: readonly Keyed[]
  readonly settings: Keyed
}

type Receiver = 'vrrp' | 'checkers'
type Hashes = Readonly<Record<string, string>>

/**
 * Keeps vrrp and checkers equal to the wanted configuration. Level-triggered: a child says what it holds, it is told
 * the difference, and says again what it holds; a start, a reload and a restarted child are the same.
 */
export function createDistribution(send: (to: Address, message: Message) => void) {
  /** As each said last. */
  const holds: Partial<Record<Receiver, Hashes>> = {}
  /** As it will be when all that was sent has arrived. */
  const told: Partial<Record<Receiver, Hashes>> = {}
  let wanted: Wanted | undefined
  let generation = 0
  const waiting = new Set<() => void>()

  function tell(role: Receiver): void {
    const held = holds[role]
    if (!wanted || !held) return
    const has = certain(held, told[role] ?? held)
    told[role] = hashes(role === 'vrrp' ? wanted.routers : [...wanted.services, wanted.settings])
    if (role === 'vrrp') {
      for (const part of chunks(difference(wanted.routers, has))) send('vrrp', { type: 'routers', ...part })
    } else {
      const { settings, services } = wanted
      const { settings: heldSettings, ...heldServices } = has
      if (heldSettings !== settings.hash) send('checkers', { type: 'settings', settings })
      for (const part of chunks(difference(services, heldServices))) send('checkers', { type: 'services', ...part })
    }
    send(role, { type: 'synced', generation })
  }

  function lacking(): Receiver[] {
    if (!wanted) return []
    const { routers, services, settings } = wanted
    const { settings: heldSettings, ...heldServices } = holds.checkers ?? {}
    const checkers = isEmpty(difference(services, heldServices)) && heldSettings === settings.hash
    const vrrp = holds.vrrp !== undefined && isEmpty(difference(routers, holds.vrrp))
    return [...(vrrp ? [] : ['vrrp' as const]), ...(checkers ? [] : ['checkers' as const])]
  }

  return {
    generation: () => generation,
    lacking,
    /** A child is up, or has carried out what it was told. */
    hello(hello: Hello): void {
      if (hello.role === 'control') return
      holds[hello.role] = hello.holds
      if (hello.fresh) {
        delete told[hello.role]
        tell(hello.role)
      }
      for (const wake of waiting) wake()
    },
    /** A child died: what it held is unknown until it says hello again. */
    lost(role: string): void {
      if (role !== 'vrrp' && role !== 'checkers') return
      delete holds[role]
      delete told[role]
    },
    /** Sends the difference and resolves when both processes hold it; answers who does not after `timeout` ms. */
    apply(next: Wanted, timeout: number): Promise<readonly Receiver[]> {
      wanted = next
      generation++
      tell('vrrp')
      tell('checkers')
      return new Promise(resolve => {
        const done = () => {
          waiting.delete(look)
          clearTimeout(timer)
          resolve(lacking())
        }
        const look = () => lacking().length === 0 && done()
        const timer = setTimeout(done, timeout)
        waiting.add(look)
        look()
      })
    },
  }
}

export type Distribution = ReturnType<typeof createDistribution>

function hashes(items: readonly Keyed[]): Hashes {
  return Object.fromEntries(items.map(({ key, hash }) => [key, hash]))
}

/**
 * What a child holds for sure. Of what is under way nothing is known: it is told again, or removed again, which changes
 * nothing where it has arrived. A reload right after another (or after the start) must not count on the answer to the first.
 */
function certain(held: Hashes, told: Hashes): Hashes {
  const keys = new Set([...Object.keys(held), ...Object.keys(told)])
  return Object.fromEntries([...keys].map(key => [key, held[key] === told[key] ? (held[key] ?? '') : '']))
}
