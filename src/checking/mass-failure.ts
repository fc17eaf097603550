import { type Evidence, type Guarded, type GuardState, guard, isHeld, watching } from '../ipvs/guard.js'
import { serverKey } from '../ipvs/table.js'
import type { Contribution, Event } from '../messages.js'
import { guardSource } from './guard-source.js'
import type { Member, Pool } from './pool.js'
import type { Silence } from './silence.js'

export type GuardPorts = {
  readonly now: () => number
  readonly pool: Pick<Pool, 'services'>
  readonly silence: Silence
  /** What the director sees of its own network, now. */
  evidence(): Evidence
  /** Most real servers are silent: make sure of what is not known for certain (is the gateway there?). */
  doubt(): void
  tell(event: Event): void
  contribute(contribution: Contribution): void
}

/** Holds the table as it was while the director itself is the likelier cause of a mass failure (src/ipvs/guard.ts). */
export function createMassFailure(ports: GuardPorts) {
  const { now, pool, silence } = ports
  let state: GuardState = watching
  let told: boolean | undefined
  let calm: number | undefined
  let seen: number | undefined

  function members(): Member[] {
    return [...pool.services().values()].flatMap(service => [...service.members])
  }

  function guarded({ service, server, checkKeys }: Member): Guarded {
    const silentSince = silence.of(checkKeys)
    return {
      service: service.name,
      server: serverKey(server),
      ...(silentSince === undefined ? {} : { silentSince }),
    }
  }

  /** Looks again. Answers whether what is held may have changed. */
  function look(hold: number): boolean {
    if (state.state === 'watching' && (hold === 0 || silence.changes() === calm)) return tell(false)
    const changes = silence.changes()
    const servers = members().filter(member => member.checkKeys.length > 0)
    const list = servers.map(guarded)
    const most = list.filter(one => one.silentSince !== undefined).length * 2 > list.length
    // Of tens of thousands a few are always silent: looked at again only when others fall silent, too.
    calm = most ? undefined : changes
    if (most) ports.doubt()
    else if (state.state === 'watching') return tell(false)
    let window = 0
    for (const { server } of servers) for (const check of server.checks) window = Math.max(window, slowest(check))
    const before = state
    state = guard(state, { servers: list, evidence: ports.evidence(), window, hold }, now())
    tell(state.state === 'holding', state.state === 'holding' ? state.reason : undefined)
    const same = changes === seen
    seen = changes
    if (before.state === state.state) return state.state === 'holding' && !same
    ports.tell(eventOf(before, state))
    return true
  }

  function tell(holding: boolean, reason?: string): boolean {
    if (holding !== told) {
      told = holding
      ports.contribute({
        source: guardSource,
        state: !holding,
        reason: reason ?? 'no mass failure',
        at: Date.now(),
      })
    }
    return false
  }

  return {
    look,
    held: (member: Member): boolean =>
      state.state === 'holding' && isHeld(state, { ...silentOf(silence.of(member.checkKeys)) }),
    /** For `status`: why real servers stay in the table although they are down. */
    reason: (): string | undefined => (state.state === 'holding' ? state.reason : undefined),
    /** vrrp has been started again. */
    tellAgain(): void {
      told = undefined
    },
  }
}

export type MassFailure = ReturnType<typeof createMassFailure>

function silentOf(silentSince: number | undefined) {
  return silentSince === undefined ? {} : { silentSince }
}

function slowest({ interval, timeout }: Member['server']['checks'][number]): number {
  return interval + timeout
}

function eventOf(before: GuardState, after: GuardState): Event {
  const base = { at: Date.now(), subject: 'table' }
  if (after.state === 'holding') {
    const { reason, since, until } = after
    const text = `the table is held as it was for at most ${Math.round((until - since) / 1000)} s: ${reason}`
    return { ...base, name: 'guard.holding', level: 'alarm', text, data: { reason } }
  }
  if (after.state === 'spent')
    return { ...base, name: 'guard.spent', level: 'alarm', text: 'held long enough: the verdicts apply' }
  const text =
    before.state === 'holding' ? 'most real servers answer again: nothing was taken out' : 'most answer again'
  return { ...base, name: 'guard.ended', level: 'notice', text }
}
