import type { Report } from '../../checkers/entry.js'
import type { Wanted } from '../../checkers/monitor.js'
import { checkKey } from '../../checkers/spec.js'
import type { RealServerConfig, ServiceConfig } from '../../config/config.js'
import type { OverrideInput, RealServerInput, VirtualServerInput } from '../ipvs/inputs.js'
import { serverKey } from '../ipvs/table.js'
import type { Override } from '../messages.js'
import { checkerInput } from './input.js'
import { verdictOf, wishOf } from './verdict.js'

/** What the pool asks of the monitor. */
export interface Checks {
  report(key: string): Report | undefined
}

/** One real server of one virtual server: what checks it, and what became of that. */
export type Member = {
  readonly service: ServiceConfig
  readonly server: RealServerConfig
  readonly checkKeys: readonly string[]
  verdict: RealServerInput['verdict']
  since: number
  /** Monotonic; when it came up after having been down: the ramp starts there. */
  upSince: number | undefined
}

export type Turn = { readonly member: Member; readonly from: Member['verdict']; readonly to: Member['verdict'] }

/** The virtual servers that the file names, their members, and the overrides that apply to them. */
export function createPool(checks: Checks, now: () => number) {
  const services = new Map<
    string,
    { readonly hash: string; readonly config: ServiceConfig; readonly members: readonly Member[] }
  >()
  const listeners = new Map<string, Member[]>()
  let overrides: readonly Override[] = []

  function upsert(name: string, hash: string, config: ServiceConfig): void {
    const before = new Map(services.get(name)?.members.map(member => [serverKey(member.server), member]))
    const members = config.realServers.map((server): Member => {
      const old = before.get(serverKey(server))
      const checkKeys = server.checks.map(spec => checkKey(targetOf(config, server), spec))
      return {
        service: config,
        server,
        checkKeys,
        verdict: old?.verdict ?? 'unknown',
        since: old?.since ?? Date.now(),
        upSince: old?.upSince,
      }
    })
    services.set(name, { hash, config, members })
  }

  /** Every check that is wanted; the same target and parameters are one check with several listeners. */
  function wanted(): Map<string, Wanted> {
    listeners.clear()
    const all = new Map<string, Wanted>()
    for (const { members } of services.values())
      for (const member of members)
        member.server.checks.forEach((spec, at) => {
          const key = member.checkKeys[at]
          if (key === undefined) return
          all.set(key, { target: targetOf(member.service, member.server), spec })
          const known = listeners.get(key)
          if (known) known.push(member)
          else listeners.set(key, [member])
        })
    return all
  }

  /** Judges the members that listen to this check anew (all without a key). Returns those whose verdict turned. */
  function judge(key?: string): Turn[] {
    const affected =
      key === undefined ? [...services.values()].flatMap(({ members }) => members) : (listeners.get(key) ?? [])
    return affected.flatMap(member => {
      const to = verdictOf(judged(member), member.server.require)
      const from = member.verdict
      if (to === from) return []
      member.verdict = to
      member.since = Date.now()
      member.upSince = to === 'up' && from === 'down' ? now() : undefined
      return [{ member, from, to }]
    })
  }

  function judged(member: Member) {
    return member.server.checks.map((spec, at) => ({
      spec,
      verdict: checks.report(member.checkKeys[at] ?? '')?.health.verdict ?? 'unknown',
    }))
  }

  /** The newest override about a member. */
  function overrideOf({ service, server }: Member): Override | undefined {
    return overrides.findLast(
      override =>
        (override.service === '*' || override.service === service.name) &&
        override.address === server.address &&
        (override.port === 0 || override.port === server.port),
    )
  }

  /** What the desired table follows from. `held`: the mass failure guard keeps these. */
  function inputs(held: (member: Member) => boolean): VirtualServerInput[] {
    return [...services.values()].map(({ config, members }) => {
      const byKey = new Map(members.map(member => [serverKey(member.server), member]))
      return checkerInput(config, (_, address, port) => {
        const member = byKey.get(serverKey({ address, port }))
        if (!member) return { verdict: 'unknown' }
        const override = overrideOf(member)
        const wish = wishOf(judged(member))
        return {
          verdict: member.verdict,
          held: held(member),
          ...(member.upSince === undefined ? {} : { upSince: member.upSince }),
          ...(override ? { override: overrideInput(override) } : {}),
          ...(wish.state ? { wish } : {}),
        }
      })
    })
  }

  return {
    upsert,
    remove: (name: string) => void services.delete(name),
    wanted,
    judge,
    inputs,
    overrideOf,
    setOverrides(next: readonly Override[]): void {
      overrides = [...next].sort((a, b) => a.at - b.at)
    },
    services: () => services,
    holds: () => Object.fromEntries([...services].map(([name, { hash }]) => [name, hash])),
    member(service: string, address: string, port: number): Member | undefined {
      return services
        .get(service)
        ?.members.find(({ server }) => server.address === address && (port === 0 || server.port === port))
    },
  }
}

export type Pool = ReturnType<typeof createPool>

/** A real server without a port of its own is asked at the port of the first service id. */
function targetOf({ ids }: ServiceConfig, { address, port }: RealServerConfig): { address: string; port: number } {
  const first = ids[0]
  return { address, port: port !== 0 ? port : first && 'port' in first ? first.port : 0 }
}

function overrideInput({ verb, weight }: Override): OverrideInput {
  return { verb, ...(weight === undefined ? {} : { weight }) }
}
