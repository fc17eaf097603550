import { type Composed, compose } from '../../checkers/compose.js'
import type { Report } from '../../checkers/entry.js'
import type { Wanted } from '../../checkers/monitor-ports.js'
import { type CheckSpec, checkKey } from '../../checkers/spec.js'
import type { Verdict } from '../../checkers/verdict.js'
import type { RealServerConfig, ServiceConfig } from '../../config/config.js'
import type { OverrideInput, RealServerInput, VirtualServerInput } from '../ipvs/inputs.js'
import { serverKey } from '../ipvs/table.js'
import type { Override } from '../messages.js'
import { checkerInput, type Standing } from './input.js'

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
  /** What its checks ask for besides the verdict, to see that it changed. */
  asks: string | undefined
}

export type Changes = {
  readonly gone: readonly string[]
  readonly wanted: ReadonlyMap<string, Wanted>
  readonly moved: boolean
}

export type Turn = { readonly member: Member; readonly from: Member['verdict']; readonly to: Member['verdict'] }

type Known = {
  readonly hash: string
  readonly config: ServiceConfig
  readonly members: readonly Member[]
  /** What was made of it last; undefined: something has changed since. */
  input: VirtualServerInput | undefined
}

/** The virtual servers that the file names, their members, and the overrides that apply to them. */
export function createPool(
  checks: Checks,
  now: () => number,
  /** What counts for a check along the clients' path, which not every director can make. */
  pathVerdict: (spec: RealServerConfig['checks'][number], own: Verdict) => Verdict = (_, own) => own,
) {
  const services = new Map<string, Known>()
  /** Real servers that were looked up, by name of the virtual server. */
  const discovered = new Map<string, readonly RealServerConfig[]>()
  const listeners = new Map<string, Set<Member>>()
  /** Who listens, as of the last `changes`, and the services that were told or removed since. */
  const listening = new Map<string, readonly Member[]>()
  const touched = new Set<string>()
  let overrides: readonly Override[] = []

  function upsert(name: string, hash: string, config: ServiceConfig): void {
    const before = new Map(services.get(name)?.members.map(member => [serverKey(member.server), member]))
    const members = together(config.realServers, discovered.get(name)).map((server): Member => {
      const old = before.get(serverKey(server))
      const checkKeys = server.checks.map(spec => identity(targetOf(config, server), along(spec, server)))
      return {
        service: config,
        server,
        checkKeys,
        verdict: old?.verdict ?? 'unknown',
        since: old?.since ?? Date.now(),
        upSince: old?.upSince,
        asks: old?.asks,
      }
    })
    services.set(name, { hash, config, members, input: undefined })
    touched.add(name)
  }

  /**
   * The checks that what was told since the last time wants, and those that nobody wants any more; the same target and parameters are
   * one check with several listeners. `first`: what a real server counts as until its first result. `moved`: real servers came or went.
   */
  function changes(first: (member: Member) => Wanted['provisional'] = () => undefined): Changes {
    const before = new Set<string>()
    const wanted = new Map<string, Wanted>()
    let moved = false
    for (const name of touched) {
      const old = listening.get(name) ?? []
      const members = services.get(name)?.members ?? []
      for (const member of old)
        for (const key of member.checkKeys) if (listeners.get(key)?.delete(member)) before.add(key)
      for (const member of members) listen(member, first(member), wanted)
      moved ||= addressesOf(old) !== addressesOf(members)
      if (services.has(name)) listening.set(name, members)
      else listening.delete(name)
    }
    touched.clear()
    const gone = [...before].filter(key => listeners.get(key)?.size === 0)
    for (const key of gone) listeners.delete(key)
    return { gone, wanted, moved }
  }

  function listen(member: Member, provisional: Wanted['provisional'], wanted: Map<string, Wanted>): void {
    const target = targetOf(member.service, member.server)
    member.server.checks.forEach((spec, at) => {
      const key = member.checkKeys[at]
      if (key === undefined) return
      wanted.set(key, {
        target,
        spec: along(spec, member.server),
        ...(provisional === undefined ? {} : { provisional }),
      })
      const known = listeners.get(key)
      if (known) known.add(member)
      else listeners.set(key, new Set([member]))
    })
  }

  /** Judges the members that listen to this check anew (all without a key). Returns those whose verdict turned. */
  function judge(key?: string): Turn[] {
    return judgeThese(key === undefined ? membersOf(services.keys()) : [...(listeners.get(key) ?? [])])
  }

  const membersOf = (names: Iterable<string>): Member[] => [...names].flatMap(name => services.get(name)?.members ?? [])

  function judgeThese(affected: readonly Member[]): Turn[] {
    return affected.flatMap(member => {
      const { verdict: to, ...said } = composed(member)
      const from = member.verdict
      const asks = JSON.stringify(said)
      const asked = member.asks
      member.asks = asks
      const known = services.get(member.service.name)
      if (known && (to !== from || asks !== asked)) known.input = undefined
      if (to === from) return asked !== undefined && asks !== asked ? [{ member, from, to }] : []
      member.verdict = to
      member.since = Date.now()
      member.upSince = to === 'up' && from === 'down' ? now() : undefined
      return [{ member, from, to }]
    })
  }

  function composed(member: Member): Composed {
    const parts = member.server.checks.map((spec, at) => {
      const { name, severity } = spec
      const report = checks.report(member.checkKeys[at] ?? '')
      const verdict = report?.health.verdict ?? ('unknown' as const)
      return {
        name,
        severity,
        verdict: pathVerdict(spec, verdict),
        last: report?.last?.outcome,
      }
    })
    return compose(parts, member.server.require)
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
    return [...services.values()].map(known => {
      const { config, members } = known
      // While the guard holds one, that may end at any time.
      const guarded = members.some(held)
      if (known.input && !guarded) return known.input
      const byKey = new Map(members.map(member => [serverKey(member.server), member]))
      const servers = members.map(({ server }) => server)
      const input = checkerInput(config, standing, servers)
      known.input = guarded ? undefined : input
      return input

      function standing(_: string, address: string, port: number): Standing {
        const member = byKey.get(serverKey({ address, port }))
        if (!member) return { verdict: 'unknown' }
        const override = overrideOf(member)
        const wish = wishOf(composed(member), member.server.weight)
        return {
          verdict: member.verdict,
          held: held(member),
          ...(member.upSince === undefined ? {} : { upSince: member.upSince }),
          ...(override ? { override: overrideInput(override, now) } : {}),
          ...(wish ? { wish } : {}),
        }
      }
    })
  }

  const namesOf = (key: string): readonly string[] => [...(listeners.get(key) ?? [])].map(({ service }) => service.name)

  /** The real servers of each service in which this check takes part, with their checks. */
  function servicesOf(key: string): (readonly { readonly server: string; readonly keys: readonly string[] }[])[] {
    const names = new Set(namesOf(key))
    return [...names].map(name =>
      (services.get(name)?.members ?? []).map(({ server, checkKeys }) => ({
        server: serverKey(server),
        keys: checkKeys,
      })),
    )
  }

  return {
    upsert,
    servicesOf,
    /** The virtual servers in which this check takes part. */
    namesOf,
    remove(name: string): void {
      services.delete(name)
      discovered.delete(name)
      touched.add(name)
    },
    /** The real servers that the sources of a virtual server name now. They count from the next `changes`. */
    discover(name: string, servers: readonly RealServerConfig[]): void {
      discovered.set(name, servers)
      const known = services.get(name)
      if (known) upsert(name, known.hash, known.config)
    },
    changes,
    /** Of every real server. */
    addresses: (): ReadonlySet<string> =>
      new Set([...services.values()].flatMap(({ members }) => members.map(({ server }) => server.address))),
    judge,
    /** Judges the members of these services only. */
    judgeServices: (names: Iterable<string>): Turn[] => judgeThese(membersOf(names)),
    /** Whether somebody asks for something besides the verdict because of this check. */
    asks: (key: string): boolean => [...(listeners.get(key) ?? [])].some(asksSomething),
    inputs,
    /** What the file says of them, whatever became of their members. */
    configured: (): VirtualServerInput[] => [...services.values()].map(configuredInput),
    overrideOf,
    /** Answers the virtual servers that it is about: those whose real servers have another order now, or none any more. */
    setOverrides(next: readonly Override[]): readonly string[] {
      const before = new Map(overrides.map(override => [JSON.stringify(override), override]))
      // What was said before is the same object, which its deadline goes with.
      const now = new Map(next.map(override => [JSON.stringify(override), override]))
      for (const said of now.keys()) now.set(said, before.get(said) ?? (now.get(said) as Override))
      const changed = [...before, ...now].filter(([said]) => before.has(said) !== now.has(said))
      const addresses = new Set(changed.map(([, { address }]) => address))
      overrides = [...now.values()].sort((a, b) => a.at - b.at)
      return [...services].flatMap(([name, known]) => {
        if (!known.members.some(({ server }) => addresses.has(server.address))) return []
        known.input = undefined
        return [name]
      })
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

const addressesOf = (members: readonly Member[]): string => members.map(({ server }) => server.address).join()

const asksSomething = ({ asks }: Member): boolean => asks !== undefined && asks !== nothingAsked

/** What `Member.asks` is while no check asks for anything. */
const nothingAsked = JSON.stringify({ because: [], percent: 100, add: 0, warnings: [] })

/** By the list of members, which is a new one whenever anything about them changes. */
const configuredInputs = new WeakMap<readonly Member[], VirtualServerInput>()

function configuredInput({ config, members }: Known): VirtualServerInput {
  const known = configuredInputs.get(members)
  if (known) return known
  const unchecked = (): Standing => ({ verdict: 'unknown' })
  const input = checkerInput(
    config,
    unchecked,
    members.map(({ server }) => server),
  )
  configuredInputs.set(members, input)
  return input
}

/** What stands in the file wins over what was looked up. */
function together(
  written: readonly RealServerConfig[],
  found: readonly RealServerConfig[] = [],
): readonly RealServerConfig[] {
  if (found.length === 0) return written
  const known = new Map([...found, ...written].map(server => [serverKey(server), server]))
  return [...written, ...found.filter(server => known.get(serverKey(server)) === server)]
}

/** The key in the file says what is asked; along the clients' path it also matters who asks, and how it gets there. */
function identity(target: Wanted['target'], spec: CheckSpec): string {
  const { probe } = spec
  if (probe.kind !== 'client-path') return checkKey(target, spec)
  const { from, forward } = probe as typeof probe & { readonly from?: string }
  return `${checkKey(target, spec)} ${from} ${forward}`
}

/** The path's end decides what a failure most likely means. */
function along(spec: CheckSpec, { forward }: RealServerConfig): CheckSpec {
  if (spec.probe.kind !== 'client-path' || forward === 'nat') return spec
  return { ...spec, probe: { ...spec.probe, forward } }
}

/** A real server without a port of its own is asked at the port of the first service id. */
function targetOf({ ids }: ServiceConfig, { address, port }: RealServerConfig): { address: string; port: number } {
  const first = ids[0]
  return { address, port: port !== 0 ? port : first && 'port' in first ? first.port : 0 }
}

/** What the checks ask for besides up and down; undefined: nothing. */
function wishOf({ state, percent, weight, add }: Composed, configured: number): RealServerInput['wish'] {
  const wished = weight ?? (add === 0 ? undefined : Math.max(0, configured + add))
  if (state === undefined && percent === 100 && wished === undefined) return undefined
  return {
    ...(state ? { state } : {}),
    ...(wished === undefined ? { percent } : { weight: Math.round((wished * percent) / 100) }),
  }
}

/** Its deadline in the time of this process, once: computed anew it would differ a little each time. */
const overrideInputs = new WeakMap<Override, OverrideInput>()

function overrideInput(override: Override, now: () => number): OverrideInput {
  const known = overrideInputs.get(override)
  if (known) return known
  const { verb, weight, deadline, activeOnly } = override
  const input = {
    verb,
    ...(weight === undefined ? {} : { weight }),
    ...(deadline === undefined ? {} : { deadline: now() + deadline - Date.now() }),
    ...(activeOnly ? { inactive: false } : {}),
  }
  overrideInputs.set(override, input)
  return input
}
