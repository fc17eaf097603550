import { familyOf } from './address.js'
import { type DrainPhase, drainPhase, type Left } from './drain.js'
import { serverEntry } from './entry.js'
import { fastKey } from './fast-key.js'
import type { RealServerInput, VirtualServerInput } from './inputs.js'
import { inOrder, isOrdered } from './order.js'
import type { FastTable, Millis, QuietReason } from './ports.js'
import { judgeQuorum, neededTier } from './quorum.js'
import { nextRampStep, RAMP_SCALE, rampStep } from './ramp.js'
import { sameInput } from './same-input.js'
import {
  type Scheduler,
  type Server,
  type Service,
  type ServiceId,
  serverKey,
  serviceKey,
  type Table,
} from './table.js'

/** What the kernel table shall be, and what that says of each virtual and real server. */
export type Desired = {
  readonly table: Table
  /** By name of the virtual server. */
  readonly services: ReadonlyMap<string, ServiceOutcome>
  /** Which virtual server a kernel service belongs to: name by `serviceKey`. */
  readonly names: ReadonlyMap<string, string>
  /** Why each real server with weight 0 has it, by entry: for the journal. */
  readonly quiet: Readonly<Record<string, QuietReason>>
  /** What was computed for each virtual server: reused while nothing is said that is new. */
  readonly parts: ReadonlyMap<string, Part>
  /** When the same inputs would give something else, by time alone (a ramp, a deadline). */
  readonly next?: Millis
}

export type ServiceOutcome = {
  /** down: below quorum. */
  readonly state: 'up' | 'down'
  /** Below quorum only because verdicts are missing. */
  readonly pending: boolean
  readonly quorum: number
  readonly weightUp: number
  readonly sorry: boolean
  /** The last tier in use. */
  readonly tier: number
  /** By `serverKey` as the file names it. */
  readonly servers: ReadonlyMap<string, ServerOutcome>
}

export type ServerOutcome = {
  readonly state: 'up' | 'down' | 'unknown' | 'drain' | 'maint'
  /** In the kernel; undefined: not in the table. */
  readonly weight: number | undefined
  /** Why it is so, for people. */
  readonly why: string
  /** Why its weight is 0, for the journal. */
  readonly quiet?: QuietReason
  readonly drain?: DrainPhase
}

export type Context = {
  readonly now: Millis
  /** What was decided before: quorum has hysteresis, and a finished drain stays finished. */
  readonly before?: Desired
  /** What the kernel holds, as far as we know: without verdict a real server stays as it is there. */
  readonly actual?: Table
  /** The newest quick view of the kernel table; absent: not read yet. */
  readonly fast?: FastTable
}

/** One virtual server's share. */
export type Part = {
  readonly input: VirtualServerInput
  readonly outcome: ServiceOutcome
  readonly entries: readonly (readonly [string, TableEntry])[]
  readonly quiet: readonly (readonly [string, QuietReason])[]
  /** It follows from time or counts as well: never reused. */
  readonly fleeting: boolean
  /** It follows from what the kernel held of it as well: reused while that is the same. */
  readonly held?: readonly (TableEntry | undefined)[]
  readonly next?: Millis
}
type TableEntry = { readonly service: Service; readonly servers: ReadonlyMap<string, Server> }

/**
 * From what is said of the virtual servers to the table that follows. Pure. Of what is said as before nothing is
 * computed again; where it is the very same object, not even compared: keep it while nothing new is said.
 */
export function desired(inputs: readonly VirtualServerInput[], context: Context): Desired {
  const { before } = context
  const changed = before && changesOf(inputs, before, context)
  return before && changed ? patched(before, changed) : anew(inputs, context)
}

function anew(inputs: readonly VirtualServerInput[], context: Context): Desired {
  const table = new Map<string, TableEntry>()
  const services = new Map<string, ServiceOutcome>()
  const names = new Map<string, string>()
  const quiet: Record<string, QuietReason> = {}
  const parts = new Map<string, Part>()
  for (const input of inputs) {
    const known = context.before?.parts.get(input.name)
    const part = known && stands(known, input, context) ? known : again(known, partOf(input, context))
    parts.set(input.name, part)
    services.set(input.name, part.outcome)
    for (const [key, entry] of part.entries) {
      table.set(key, entry)
      names.set(key, input.name)
    }
    for (const [entry, reason] of part.quiet) quiet[entry] = reason
  }
  return { table, services, names, quiet, parts, ...nextOf(parts) }
}

type Change = { readonly name: string; readonly old: Part; readonly part: Part }

/** What is computed anew, where nothing has come, gone or changed its place: neither a virtual server nor a service in the kernel. */
function changesOf(inputs: readonly VirtualServerInput[], { parts }: Desired, context: Context): Change[] | undefined {
  if (inputs.length !== parts.size) return undefined
  const known = parts.entries()
  const changes: Change[] = []
  for (const input of inputs) {
    const [name, old] = known.next().value ?? []
    if (old === undefined || name !== input.name) return undefined
    if (stands(old, input, context)) continue
    const part = again(old, partOf(input, context))
    if (old.entries.length !== part.entries.length) return undefined
    if (part.entries.some(([key], at) => key !== old.entries[at]?.[0])) return undefined
    changes.push({ name, old, part })
  }
  return changes
}

/** One change among thousands of virtual servers costs a copy of the maps: to walk them all with code that is seldom run takes many times as long. */
function patched(before: Desired, changes: readonly Change[]): Desired {
  if (changes.length === 0) return before
  const table = new Map(before.table)
  const services = new Map(before.services)
  const quiet = { ...before.quiet }
  const parts = new Map(before.parts)
  for (const { name, old, part } of changes) {
    parts.set(name, part)
    services.set(name, part.outcome)
    for (const [key, entry] of part.entries) table.set(key, entry)
    for (const [entry] of old.quiet) delete quiet[entry]
    for (const [entry, reason] of part.quiet) quiet[entry] = reason
  }
  return { table, services, names: before.names, quiet, parts, ...nextOf(parts) }
}

function nextOf(parts: ReadonlyMap<string, Part>): Pick<Desired, 'next'> {
  let next: Millis | undefined
  for (const part of parts.values())
    if (part.next !== undefined && (next === undefined || part.next < next)) next = part.next
  return next === undefined ? {} : { next }
}

function stands(known: Part, input: VirtualServerInput, context: Context): boolean {
  if (known.fleeting || !sameInput(known.input, input)) return false
  return !known.held || heldOf(input, context).every((entry, at) => entry === known.held?.[at])
}

/**
 * What says nothing new keeps its entries: the kernel's picture has these very objects once they are carried out, and new ones would be
 * something else that the kernel holds.
 */
function again(known: Part | undefined, part: Part): Part {
  if (!known?.held || !part.held || !sameInput(known.input, part.input) || said(known) !== said(part)) return part
  return { ...part, outcome: known.outcome, entries: known.entries }
}

function said({ outcome, entries, quiet }: Part): string {
  return JSON.stringify([
    { ...outcome, servers: [...outcome.servers] },
    entries.map(([key, { service, servers }]) => [key, service, [...servers]]),
    quiet,
  ])
}

const heldOf = ({ ids }: VirtualServerInput, { actual }: Context) => ids.map(id => actual?.get(serviceKey(id)))

function partOf(input: VirtualServerInput, context: Context): Part {
  let next: Millis | undefined
  const soonest = (at: Millis | undefined) => {
    if (at !== undefined && at > context.now && (next === undefined || at < next)) next = at
  }
  const { outcome, weights, fleeting, missing } = decide(input, context, soonest)
  const entries: [string, TableEntry][] = []
  const quiet: [string, QuietReason][] = []
  for (const id of input.ids) {
    const key = serviceKey(id)
    const servers = new Map<string, Server>()
    for (const [server, weight] of weights) {
      if (!reachable(id, server.address, server.settings.forward)) continue
      const entry = kernelServer(id, server, weight)
      const name = serverKey(entry)
      // The first wins: a sorry server that is also a real server of the service adds nothing.
      if (servers.has(name)) continue
      servers.set(name, entry)
      if (weight === 0) quiet.push([serverEntry(key, name), outcome.servers.get(serverKey(server))?.quiet ?? 'weight'])
    }
    const ordered = isOrdered(input.settings.scheduler) ? inOrder(servers) : servers
    entries.push([key, { service: { id, settings: input.settings }, servers: ordered }])
  }
  return {
    input,
    outcome,
    entries,
    quiet,
    fleeting,
    ...(missing ? { held: heldOf(input, context) } : {}),
    ...(next === undefined ? {} : { next }),
  }
}

type Named = { readonly address: string; readonly port: number; readonly settings: Server['settings'] }

/** A real server as the kernel entry of one service: without nat it listens on the service's own port. */
export function kernelServer(id: ServiceId, server: Named, weight = server.settings.weight): Server {
  const own = 'mark' in id ? 0 : id.port
  const mapped = server.settings.forward === 'nat' && server.port !== 0
  return { address: server.address, port: mapped ? server.port : own, settings: { ...server.settings, weight } }
}

/** Families may only differ in a tunnel (linux ip_vs_ctl.c, ip_vs_genl_set_cmd). */
function reachable(id: ServiceId, address: string, forward: Server['settings']['forward']): boolean {
  const family = 'mark' in id ? id.family : familyOf(id.address)
  return forward === 'tun' || family === familyOf(address)
}

type Standing = {
  readonly server: RealServerInput
  readonly state: ServerOutcome['state']
  /** Full weight when it serves. */
  readonly weight: number
  /** serves: takes new clients. quiet: in the table with weight 0. out: not in the table. */
  readonly place: 'serves' | 'quiet' | 'out'
  readonly why: string
  readonly reason?: QuietReason
  readonly drain?: DrainPhase
}

function decide(input: VirtualServerInput, context: Context, soonest: (at: Millis | undefined) => void) {
  const before = context.before?.services.get(input.name)
  const standings = input.servers.map(server => standing(input, server, context, before))
  for (const { drain } of standings) if (drain?.phase === 'draining') soonest(drain.deadline)
  const up = total(standings.filter(one => one.place === 'serves'))
  const stood = before && !before.pending ? before.state : undefined
  const { state, pending, quorum } = judgeQuorum({
    quorum: input.quorum,
    hysteresis: input.hysteresis,
    total: total(standings),
    up,
    unknown: total(standings.filter(one => one.state === 'unknown' && one.place !== 'serves')),
    before: stood,
  })
  const tier = neededTier(
    standings.map(one => ({ tier: one.server.tier ?? 0, up: one.place === 'serves' ? one.weight : 0 })),
    input.tierMinimum ?? 1,
  )
  // `start: down` says what an unchecked server is; others may be up in a moment.
  const waited = pending && standings.some(one => one.state === 'unknown' && startOf(input, one.server) !== 'down')
  const sorry = input.sorry !== undefined && state === 'down' && !waited
  const placed = standings.map(one => demote(one, { sorry, tier, scheduler: input.settings.scheduler }))
  const weights = new Map<Named, number>()
  const servers = new Map<string, ServerOutcome>()
  const ramp = ramps(input, placed, context.now)
  if (ramp.scale > 1 && input.slowStart) soonest(nextRampStep(input.slowStart, context.now))
  for (const one of placed) {
    const weight = one.place === 'serves' ? ramp.weightOf(one) : one.place === 'quiet' ? 0 : undefined
    if (weight !== undefined) weights.set(one.server, weight)
    servers.set(serverKey(one.server), {
      state: one.state,
      weight,
      why: one.place === 'serves' ? (ramp.why(one) ?? one.why) : one.why,
      ...(weight === 0 ? { quiet: one.reason ?? 'weight' } : {}),
      ...(one.drain ? { drain: one.drain } : {}),
    })
  }
  if (input.sorry && (sorry || input.sorry.inhibit))
    weights.set(input.sorry, sorry ? Math.max(1, input.sorry.settings.weight) * ramp.scale : 0)
  const outcome: ServiceOutcome = { state, pending, quorum, weightUp: up, sorry, tier, servers }
  const missing = standings.some(one => one.state === 'unknown')
  // With verdicts missing the quorum is judged by what it was before, which may be another thing the next time.
  const turned = (pending || missing) && stood !== (pending ? undefined : state)
  const fleeting = turned || ramp.scale > 1 || standings.some(one => one.drain?.phase === 'draining')
  return { outcome, weights, fleeting, missing }
}

function total(standings: readonly Standing[]): number {
  return standings.reduce((sum, one) => sum + one.weight, 0)
}

/** One real server by itself: overrides first, then the verdict, then what the server wishes. */
function standing(
  input: VirtualServerInput,
  server: RealServerInput,
  context: Context,
  before: ServiceOutcome | undefined,
): Standing {
  const { override } = server
  const verb = override?.verb
  const weight = weightOf(server)
  const base = { server, weight }
  if (verb === 'maint' || (verb === undefined && server.wish?.state === 'maint'))
    return { ...base, state: 'maint', place: 'out', why: 'in maintenance', reason: 'maint' }
  if (verb === 'force-down') return down(base, 'forced down')
  if (verb === 'drain') return draining(input, base, context, before?.servers.get(serverKey(server)))
  if (verb === 'force-up') return { ...base, state: 'up', place: 'serves', why: 'forced up' }
  if (server.verdict === 'unknown') return unchecked(input, base, context)
  if (server.verdict === 'down')
    return server.held
      ? { ...base, state: 'down', place: 'serves', why: 'down, but held: too many failed at once' }
      : down(base, 'down')
  if (verb === undefined && server.wish?.state === 'drain')
    return { ...base, state: 'drain', place: 'quiet', why: 'drains at its own wish', reason: 'drain' }
  const why = verb === 'weight' ? `weight ${weight} by order` : 'up'
  return { ...base, state: 'up', place: 'serves', why, reason: 'weight' }
}

type Base = { readonly server: RealServerInput; readonly weight: number }

function down(base: Base, why: string): Standing {
  const { inhibit } = base.server
  return { ...base, state: 'down', place: inhibit ? 'quiet' : 'out', why, reason: 'down' }
}

function draining(
  input: VirtualServerInput,
  base: Base,
  context: Context,
  before: ServerOutcome | undefined,
): Standing {
  const { server } = base
  const left: Left[] = input.ids.map(id => {
    const [service, name] = [serviceKey(id), serverKey(kernelServer(id, server))]
    const seen = context.fast?.get(fastKey(service))?.servers.get(name)
    const held = context.actual?.get(service)?.servers.get(name)
    // It came after the newest quick look, and so may its clients have.
    return seen ?? (held && { weight: Math.max(1, held.settings.weight), active: 0, inactive: 0 })
  })
  const phase = drainPhase(
    server.override ?? { verb: 'drain' },
    {
      dead: server.verdict === 'down' && !server.held,
      left,
      known: context.fast !== undefined,
      drained: before?.drain?.phase === 'drained',
    },
    context.now,
  )
  const why =
    phase.phase === 'drained'
      ? `drained: ${phase.because}`
      : `draining: ${phase.active} active and ${phase.inactive} inactive connections left`
  const place = phase.phase === 'drained' ? 'out' : 'quiet'
  return { ...base, state: 'drain', place, why, reason: 'drain', drain: phase }
}

/** No verdict yet: the kernel knows what was before this process; else as the file says. */
function unchecked(input: VirtualServerInput, base: Base, context: Context): Standing {
  const found = input.ids
    .map(id => context.actual?.get(serviceKey(id))?.servers.get(serverKey(kernelServer(id, base.server))))
    .filter(entry => entry !== undefined)
  if (found.some(entry => entry.settings.weight > 0))
    return { ...base, state: 'unknown', place: 'serves', why: 'not checked yet: the kernel has it with weight' }
  if (found.length > 0)
    return { ...base, state: 'unknown', place: 'quiet', why: 'not checked yet: the kernel has it with weight 0' }
  if (startOf(input, base.server) === 'up')
    return { ...base, state: 'unknown', place: 'serves', why: 'not checked yet (start: up)' }
  return { ...base, state: 'unknown', place: 'out', why: 'not checked yet' }
}

function startOf({ start }: VirtualServerInput, server: RealServerInput): VirtualServerInput['start'] {
  return server.start ?? start
}

/** What the pool says against a server that would serve: a sorry server answers for all, or its tier is not needed. */
function demote(
  one: Standing,
  { sorry, tier, scheduler }: { sorry: boolean; tier: number; scheduler: Scheduler },
): Standing {
  if (one.place !== 'serves') return one
  if (sorry)
    return {
      ...one,
      place: one.server.inhibit ? 'quiet' : 'out',
      why: 'below quorum: the sorry server answers',
      reason: 'down',
    }
  if ((one.server.tier ?? 0) <= tier) return one
  const place = losesClientsAtZero(scheduler) ? 'out' : 'quiet'
  return { ...one, place, why: `standby: tier ${tier} suffices`, reason: 'standby' }
}

/** sh and dh send a client to its server whatever its weight, and find none when that is 0 (ip_vs_sh.c, ip_vs_dh.c). */
function losesClientsAtZero(scheduler: Scheduler): boolean {
  return scheduler === 'sh' || scheduler === 'dh'
}

function weightOf({ settings, override, wish }: RealServerInput): number {
  if (override?.verb === 'weight' && override.weight !== undefined) return override.weight
  if (wish?.weight !== undefined) return wish.weight
  if (wish?.percent === undefined) return settings.weight
  return wish.percent <= 0 ? 0 : Math.max(1, Math.round((settings.weight * wish.percent) / 100))
}

/** Ramps make sense only beside a server that carries the rest. */
function ramps(input: VirtualServerInput, placed: readonly Standing[], now: Millis) {
  const serving = placed.filter(one => one.place === 'serves' && one.weight > 0)
  const step = (one: Standing) => rampStep(one.server.upSince, input.slowStart, now)
  const carried = serving.some(one => step(one) === undefined)
  const scale = carried && serving.some(one => step(one) !== undefined) ? RAMP_SCALE : 1
  return {
    scale,
    weightOf: (one: Standing) => (scale === 1 ? one.weight : one.weight * (step(one) ?? RAMP_SCALE)),
    why(one: Standing) {
      const reached = scale === 1 ? undefined : step(one)
      return reached === undefined ? undefined : `slow start: ${(reached * 100) / RAMP_SCALE} %`
    },
  }
}
