import { isDeepStrictEqual } from 'node:util'
import type { Config, RealServerConfig, RouterConfig, ServiceConfig } from '../../config/config.js'
import type { PlanAnswer } from '../api/handlers.js'
import { checkerInput } from '../checking/input.js'
import { arrange } from '../ipvs/arrange.js'
import { desired } from '../ipvs/desired.js'
import { ipvsadmLines } from '../ipvs/ipvsadm.js'
import { plan } from '../ipvs/plan.js'
import { serverKey, type Table } from '../ipvs/table.js'
import type { ServiceStatus } from '../messages.js'
import { durationWords, fieldWords } from './plan-words.js'
import { type KernelSettings, settingChanges } from './planned-settings.js'
import { restartNeeded } from './restart-needed.js'
import { vipOrder } from './vip-order.js'

/**
 * What applying `next` would change: virtual routers and services field by field, and the kernel table as it would be
 * once the new real servers have passed their first check.
 */
export function planChanges(
  now: Config,
  next: Config,
  services: readonly ServiceStatus[],
  /** A text: why it cannot be read. */
  kernel: Table | string,
  settings: KernelSettings,
  /** The other directors that are heard as lvskeeper. */
  known: ReadonlySet<string> = new Set(),
): PlanAnswer {
  const lines = [
    ...changed('virtual router', now.routers, next.routers),
    ...changed('virtual server', now.services, next.services),
    ...others(now, next),
    ...[...vipOrder(now, next, known), ...restartNeeded(now, next)].map(text => `! ${text}`),
  ]
  const ipvsadm = typeof kernel === 'string' ? [] : tableOps(now, next, services, kernel)
  const inputs = next.services.map(service => checkerInput(service, standing(services, 'up'), found(service, services)))
  const servers = next.services.flatMap(service => found(service, services))
  const { changes: set, left } = settingChanges(next, inputs, servers, settings)
  const sysctls = set.map(({ name, found, value, why }) => `${name}: ${found} -> ${value} (${why})`)
  const stays = left.map(({ name, value, previous }) => `${name} = ${value} (was ${previous})`)
  const text = [
    ...(lines.length === 0 ? ['no changes in the configuration'] : lines),
    ...(sysctls.length === 0 ? [] : ['', 'kernel settings:', ...sysctls.map(line => `  ${line}`)]),
    ...(stays.length === 0
      ? []
      : [
          '',
          'kernel settings that lvskeeper has set and nothing needs any more (they stay until `lvskeeper stop --clear`):',
          ...stays.map(line => `  ${line}`),
        ]),
    ...(typeof kernel === 'string' ? ['', `! what would change in the kernel table cannot be told: ${kernel}`] : []),
    ...(ipvsadm.length === 0
      ? []
      : [
          '',
          `kernel table (${ipvsadm.length} operation${ipvsadm.length === 1 ? '' : 's'}, new real servers once their first check has passed):`,
        ]),
    ...ipvsadm.slice(0, 50).map(line => `  ${line}`),
    ...(ipvsadm.length > 50 ? [`  ... and ${ipvsadm.length - 50} more (--ipvsadm prints all)`] : []),
    '',
  ].join('\n')
  const changes = lines.length + ipvsadm.length + sysctls.length > 0
  return {
    changes,
    text,
    ipvsadm,
    sysctls,
    details: lines,
    ...(typeof kernel === 'string' ? { unreadable: kernel } : {}),
  }
}

type Named = RouterConfig | ServiceConfig

function changed(what: string, now: readonly Named[], next: readonly Named[]): string[] {
  const before = new Map(now.map(item => [item.name, item]))
  const after = new Set(next.map(item => item.name))
  return [
    ...next.flatMap(item => {
      const old = before.get(item.name)
      if (!old) return [`+ ${what} ${item.name}`]
      const fields = difference('', old, item)
      return fields.length === 0 ? [] : [`~ ${what} ${item.name}`, ...fields.map(field => `    ${field}`)]
    }),
    ...now.filter(item => !after.has(item.name)).map(item => `- ${what} ${item.name}`),
  ]
}

/** Told otherwise, or different wherever anything is. */
const told: readonly string[] = [
  'routers',
  'services',
  'hash',
  'secretsHash',
  'files',
  'node',
  'static',
] satisfies (keyof Config)[]

function others(now: Config, next: Config): string[] {
  const parts = new Set([...Object.keys(now), ...Object.keys(next)] as (keyof Config)[])
  return [...parts]
    .filter(part => !told.includes(part) && !isDeepStrictEqual(now[part], next[part]))
    .flatMap(part => {
      if (isSetting(now[part]) && isSetting(next[part]))
        return difference(part, now[part], next[part]).map(line => `~ ${line}`)
      return [`~ ${fieldWords(part)}`, ...(plain.includes(part) ? fieldsOf(now[part], next[part]) : [])]
    })
}

/** Said in full: a word or a number (none of these parts is a secret). */
function isSetting(value: unknown): boolean {
  return value === undefined || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** Parts whose fields are short and hold no secret. */
const plain: readonly (keyof Config)[] = ['api', 'metrics', 'massFailureGuard', 'checkLimits', 'timeouts']

function fieldsOf(before: unknown, after: unknown): string[] {
  return difference('', before ?? {}, after ?? {}).map(field => `    ${field}`)
}

/** `advert_interval: 100ms -> 200ms`; whole objects that come or go are named only. Lists of named things by their address. */
function difference(path: string, before: unknown, after: unknown): string[] {
  if (isDeepStrictEqual(before, after)) return []
  if (secret.test(path.slice(path.lastIndexOf('.') + 1))) return [`${fieldWords(path)}: changed`]
  if (Array.isArray(before) && Array.isArray(after)) {
    const old = byIdentity(before)
    const fresh = byIdentity(after)
    return [
      ...[...fresh].flatMap(([key, item]) =>
        old.has(key) ? difference(`${path}[${key}]`, old.get(key), item) : [`+ ${fieldWords(path)}[${key}]`],
      ),
      ...[...old.keys()].filter(key => !fresh.has(key)).map(key => `- ${fieldWords(path)}[${key}]`),
    ]
  }
  if (isRecord(before) && isRecord(after)) {
    // A check's key follows from the rest of it; one of an authentication is bytes.
    const own = (key: string) => key !== 'key' || typeof before[key] !== 'string'
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(own)
    return keys.flatMap(key => difference(path === '' ? key : `${path}.${key}`, before[key], after[key]))
  }
  return [`${fieldWords(path)}: ${words(path, before)} -> ${words(path, after)}`]
}

function words(path: string, value: unknown): string {
  return durationWords(path, value) ?? short(value)
}

function byIdentity(list: readonly unknown[]): Map<string, unknown> {
  return new Map(
    list.map((item, at) => {
      if (!isRecord(item)) return [String(item), item]
      const { address, port, name, source } = item
      const key = address !== undefined ? `${address}${port ? `:${port}` : ''}` : (name ?? source ?? at)
      return [String(key), item]
    }),
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const secret = /password|secret|token|bearer|community|authorization|cookie|^key$/i

function short(value: unknown): string {
  const text = JSON.stringify(value, (key, inner) => (secret.test(key) ? '***' : inner)) ?? 'none'
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

function tableOps(now: Config, next: Config, statuses: readonly ServiceStatus[], kernel: Table): string[] {
  const context = { now: 0 }
  const before = desired(
    now.services.map(service => checkerInput(service, standing(statuses, 'down'), found(service, statuses))),
    context,
  )
  const after = desired(
    next.services.map(service => checkerInput(service, standing(statuses, 'up'), found(service, statuses))),
    context,
  )
  // Only what is ours or will be: a foreign service is never part of a plan.
  const actual = new Map([...kernel].filter(([key]) => before.table.has(key) || after.table.has(key)))
  return arrange(plan(after.table, actual), after.table, actual).ops.flatMap(ipvsadmLines)
}

/** With what its sources name at the moment, which no file says. */
function found(service: ServiceConfig, statuses: readonly ServiceStatus[]): readonly RealServerConfig[] {
  const [source] = service.sources
  if (!source) return service.realServers
  const written = new Set(service.realServers.map(serverKey))
  const others = statuses.find(({ name }) => name === service.name)?.realServers ?? []
  return [
    ...service.realServers,
    ...others
      .filter(server => !written.has(serverKey(server)))
      .map(({ address, port, weight }) => ({ ...source, address, port, weight })),
  ]
}

/** The verdict of each real server as it stands now; `unknown` ones and new ones as asked. */
function standing(statuses: readonly ServiceStatus[], otherwise: 'up' | 'down') {
  const known = new Map(
    statuses.flatMap(service =>
      service.realServers.map(server => [`${service.name}/${server.address}:${server.port}`, server] as const),
    ),
  )
  return (service: string, address: string, port: number) => {
    const found = known.get(`${service}/${address}:${port}`)
    const verdict: 'up' | 'down' = found === undefined ? otherwise : found.state === 'down' ? 'down' : 'up'
    const drained = found?.override?.verb === 'maint' || found?.override?.verb === 'drain'
    return { verdict, ...(drained && found?.override ? { override: { verb: found.override.verb } } : {}) }
  }
}
