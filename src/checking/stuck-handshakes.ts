import type { HalfOpen } from '../linux/half-open.js'
import type { Member, Pool } from './pool.js'

/** Shortest time between two samples, and how many times as long as the last one took, ms: it shall cost little. */
const pause = 5_000
const share = 20
/** So many that grow: a few clients always leave. */
const few = 3

export type HandshakePorts = {
  readonly pool: Pick<Pool, 'services'>
  readonly now: () => number
  /** What the kernel's table holds. */
  read(): Promise<readonly HalfOpen[]>
  /** Resolves when nobody writes the table. */
  quiet(): Promise<unknown>
  /** Makes a check now; what it finds counts as ever. */
  hasten(checkKey: string): void
  changed(service: string): void
}

/**
 * Looks for real servers whose clients begin connections and never end the handshake: their answers are lost on a way
 * that the checks do not take. That hastens the checks, and is shown; it decides nothing (a SYN flood looks alike).
 */
export function createStuckHandshakes(ports: HandshakePorts) {
  const { pool, now } = ports
  let counts = new Map<Member['server'], number>()
  let notBefore = Number.NEGATIVE_INFINITY
  let looking = false

  async function look(): Promise<void> {
    if (looking || now() < notBefore) return
    looking = true
    try {
      await ports.quiet()
      const began = now()
      const found = await ports.read()
      notBefore = now() + Math.max(pause, share * (now() - began))
      judge(found)
    } finally {
      looking = false
    }
  }

  function judge(found: readonly HalfOpen[]): void {
    const before = counts
    counts = new Map()
    if (found.length === 0 && before.size === 0) return
    const byServer = new Map<string, HalfOpen[]>()
    for (const one of found) {
      const known = byServer.get(one.server.address)
      if (known) known.push(one)
      else byServer.set(one.server.address, [one])
    }
    for (const { config, members } of pool.services().values()) {
      let differs = false
      for (const member of members) {
        const { server, checkKeys } = member
        const known = before.get(server) ?? 0
        const count = countOf(member, byServer.get(server.address) ?? [])
        if (count > 0) counts.set(server, count)
        if (count !== known) differs = true
        if (count >= few && count > known && member.verdict === 'up') for (const key of checkKeys) ports.hasten(key)
      }
      if (differs) ports.changed(config.name)
    }
  }

  return {
    /** Takes a sample, if one is due. Rejects when the table cannot be read. */
    look,
    of: ({ server }: Pick<Member, 'server'>): number => counts.get(server) ?? 0,
  }
}

/** A service by firewall mark has every address and port that the mark was put on. */
function countOf({ service, server }: Member, found: readonly HalfOpen[]): number {
  let sum = 0
  for (const { virtual, server: via, count } of found) {
    if (server.port !== 0 && via.port !== server.port && server.forward === 'nat') continue
    const ours = service.ids.some(
      id =>
        'mark' in id ||
        (id.protocol === 'tcp' && id.address === virtual.address && (id.port === 0 || id.port === virtual.port)),
    )
    if (ours) sum += count
  }
  return sum
}
