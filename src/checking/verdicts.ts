import type { Event } from '../messages.js'
import { type createClientPaths, doubtEvent } from './client-paths.js'
import type { Checks, Pool, Turn } from './pool.js'
import type { createTracking } from './tracking.js'
import { turnEvent } from './turns.js'

/** What follows from a verdict that turned. */
export interface VerdictPorts {
  readonly pool: Pool
  readonly checks: Checks
  readonly tracking: Pick<ReturnType<typeof createTracking>, 'verdict'>
  readonly clientPaths: Pick<ReturnType<typeof createClientPaths>, 'services' | 'doubt'>
  tell(event: Event): void
  /** The table may have to change. */
  look(): void
  publish(services: Iterable<string>): void
  /** What this director finds along the clients' way may be something else now. */
  pathsTurned(): void
}

/** From checks that turned to real servers that did, with their events, the table and the status. */
export function createVerdicts(ports: VerdictPorts) {
  const { pool, checks } = ports

  function apply(turns: readonly Turn[]): void {
    for (const turn of turns) {
      if (turn.from === turn.to) continue
      const event = turnEvent(turn, checks, Date.now())
      if (event) ports.tell(event)
    }
    if (turns.length === 0) return
    ports.look()
    ports.publish(turns.map(turn => turn.member.service.name))
  }

  /** Whether the other directors' finds along the clients' paths are believed. */
  function doubt(): void {
    const { doubted, changed, paths } = ports.clientPaths.doubt(pool)
    if (changed) ports.tell(doubtEvent(doubted, paths))
  }

  return {
    doubt,
    /** This check has another verdict, or its server asks for something else. */
    turned(key: string): void {
      if (checks.report(key)?.kind === 'client-path') ports.pathsTurned()
      if (ports.tracking.verdict(key, checks)) return
      apply(pool.judge(key))
    },
    /** Something outside the checks changed what those along the clients' paths mean. */
    pathsMeanAnother(): void {
      apply(pool.judgeServices(ports.clientPaths.services(pool)))
    },
    /** Whether a real server at this address serves. */
    thinksUp: (address: string): boolean =>
      [...pool.services().values()].some(({ members }) =>
        members.some(({ server, verdict }) => server.address === address && verdict === 'up'),
      ),
  }
}
