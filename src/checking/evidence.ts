import type { Resolve } from '../../checkers/ports.js'
import type { Evidence } from '../ipvs/guard.js'
import type { Links } from '../linux/links.js'
import { kernelRoutes } from '../linux/routes.js'
import type { NeighbourWatch } from '../linux/watch-neighbours.js'
import type { Ways } from './ways.js'

/** How old the word about the gateway may be, and how often it is asked at most. */
const fresh = 3_000
const pause = 1_000
const patience = 500

/** What the director knows of its own network besides its real servers: links, gateway, the other neighbours. */
export function createEvidence(
  ports: {
    readonly links: Links
    readonly ways: Ways
    readonly resolve: Resolve
    readonly now: () => number
  },
  neighbours: () => NeighbourWatch | undefined,
) {
  const { links, ways, resolve, now } = ports
  const routes = kernelRoutes(links)
  /** Neighbours that have answered since we look. */
  const answered = new Set<string>()
  let gateway: { readonly answers: boolean; readonly at: number } | undefined
  let asked = Number.NEGATIVE_INFINITY

  async function askGateway(): Promise<void> {
    const found = await routes.defaultGateway(4).catch(() => undefined)
    if (found?.address === undefined) return
    const answer = await resolve(found.address, found.interface, AbortSignal.timeout(patience))
    if ('mac' in answer || answer.errno === 'ETIMEDOUT') gateway = { answers: 'mac' in answer, at: now() }
  }

  return {
    /** Remembers who has ever answered. */
    look(): void {
      for (const [address, state] of neighbours()?.all() ?? []) if (state === 'answers') answered.add(address)
    },
    doubt(): void {
      if (now() - asked < pause) return
      asked = now()
      void askGateway()
    },
    /** @param servers the real servers' addresses: their own silence is no evidence against us */
    read(servers: ReadonlySet<string>): Evidence {
      const up = ways.up(servers)
      const known = [...(neighbours()?.all() ?? [])].filter(
        ([address]) => answered.has(address) && !servers.has(address),
      )
      const gone = known.filter(([, state]) => state === 'failed').length
      return {
        ...(up === undefined ? {} : { links: up }),
        ...(gateway && now() - gateway.at < fresh ? { gateway: gateway.answers } : {}),
        ...(known.length === 0 ? {} : { neighbours: { known: known.length, gone } }),
      }
    },
  }
}
