import type { Report } from '../../checkers/entry.js'
import type { Result } from '../../checkers/history.js'
import type { ServiceOutcome } from '../ipvs/desired.js'
import { kernelServer } from '../ipvs/desired.js'
import type { FastTable } from '../ipvs/ports.js'
import { serverKey, serviceKey } from '../ipvs/table.js'
import type { ArpLeak, CheckResult, CheckStatus, RealServerStatus, ServiceStatus } from '../messages.js'
import type { Checks, Member, Pool } from './pool.js'

/** What people see of one virtual server. */
export function serviceStatus(
  name: string,
  pool: Pool,
  checks: Checks,
  outcome: ServiceOutcome | undefined,
  fast: FastTable | undefined,
  since: number,
  more: {
    readonly held: { held(member: Member): boolean; reason(): string | undefined }
    readonly leaks: readonly ArpLeak[]
    /** Connections of this member that are stuck in SYN_RECV. */
    readonly stuck: (member: Member) => number
  },
): ServiceStatus | undefined {
  const service = pool.services().get(name)
  if (!service) return undefined
  const { config, members } = service
  const held = members.some(more.held.held) ? more.held.reason() : undefined
  return {
    name,
    ids: config.ids,
    scheduler: config.settings.scheduler,
    state: outcome?.state ?? 'down',
    since,
    quorum: outcome?.quorum ?? config.quorum,
    weightUp: outcome?.weightUp ?? 0,
    sorry: outcome?.sorry ?? false,
    ...(held === undefined ? {} : { held }),
    ...(more.leaks.length > 0 ? { leaks: more.leaks } : {}),
    realServers: members.map(member => memberStatus(member, pool, checks, outcome, fast, more.stuck(member))),
  }
}

function memberStatus(
  member: Member,
  pool: Pool,
  checks: Checks,
  outcome: ServiceOutcome | undefined,
  fast: FastTable | undefined,
  stuck: number,
): RealServerStatus {
  const { server, service } = member
  const found = outcome?.servers.get(serverKey(server))
  const override = pool.overrideOf(member)
  const state = server.checks.length === 0 && found?.state === 'up' ? 'unchecked' : (found?.state ?? member.verdict)
  // What an order made of it began with the order, not with the last verdict.
  const ordered = override !== undefined && state !== 'unchecked' && state !== member.verdict
  const first = service.ids[0]
  const kernel = first && fast?.get(fastKey(first))?.servers.get(serverKey(kernelServer(first, named(member))))
  return {
    address: server.address,
    port: server.port,
    state,
    since: ordered ? override.at : member.since,
    weight: server.weight,
    ...(found?.weight === undefined ? {} : { kernelWeight: found.weight }),
    forward: server.forward,
    checks: server.checks.flatMap((_, at) => checkStatus(checks, member.checkKeys[at] ?? '')),
    ...(override ? { override } : {}),
    ...(kernel ? { connections: { active: kernel.active, inactive: kernel.inactive } } : {}),
    ...(stuck > 0 ? { stuckHandshakes: stuck } : {}),
  }
}

function named({ server }: Member) {
  const { address, port, weight, forward, upper, lower, tunnel } = server
  return { address, port, settings: { weight, forward, upper, lower, ...(tunnel ? { tunnel } : {}) } }
}

function fastKey(id: Parameters<typeof serviceKey>[0]): string {
  return 'mark' in id ? `mark ${id.mark}` : serviceKey(id)
}

function checkStatus(checks: Checks, key: string): CheckStatus[] {
  const report = checks.report(key)
  if (!report) return []
  const { name, kind, health, since, last, held, knocks } = report
  return [
    {
      name,
      kind,
      verdict: health.verdict,
      streak: health.streak,
      since,
      ...(last ? { last: checkResult(last) } : {}),
      ...(held === undefined ? {} : { held: heldUntil(held) }),
      ...(knocks === undefined ? {} : { knocks }),
    },
  ]
}

function heldUntil(held: NonNullable<Report['held']>): NonNullable<CheckStatus['held']> {
  return typeof held === 'string' ? held : { falls: held.falls, until: Date.now() + held.forMs }
}

/** One attempt in the words of `status` and `explain`. */
export function checkResult({ at, latency, outcome }: Result): CheckResult {
  const { passed, layer, detail } = outcome
  return {
    at,
    latency,
    passed,
    layer,
    ...(detail === undefined ? {} : { detail }),
    ...(outcome.passed
      ? {}
      : { reason: outcome.reason, ...(outcome.answer === undefined ? {} : { answer: outcome.answer }) }),
  }
}
