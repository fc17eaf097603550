import { createHash } from 'node:crypto'
import type { Config, RouterConfig } from '../../config/config.js'
import { guardSource } from '../checking/guard-source.js'
import type { Keyed } from '../messages.js'
import type { Wanted } from './distribution.js'

/** What the checkers need besides the virtual servers. */
export type CheckerSettings = Pick<
  Config,
  'onStop' | 'drift' | 'timeouts' | 'sync' | 'sysctls' | 'tracking' | 'massFailureGuard' | 'checkLimits'
> & {
  readonly node: string
  /** VIPs that this director answers as a real server when another director is master. */
  readonly loopback: readonly string[]
}

/** Cuts the configuration into what travels and changes by itself. */
export function wantedOf(config: Config): Wanted {
  return {
    routers: config.routers.map(router => keyed(router.name, guarded(router, config.massFailureGuard.weight))),
    services: config.services.map(service => keyed(service.name, service)),
    settings: keyed('settings', checkerSettings(config)),
  }
}

export function checkerSettings(config: Config): CheckerSettings {
  const { onStop, drift, timeouts, sysctls, tracking, massFailureGuard, checkLimits, node } = config
  const loopback = loopbackOf(config)
  const sync = config.sync ?? (loopback.length > 0 ? twoBoxSync(config) : undefined)
  return {
    node: node.name,
    onStop,
    drift,
    sysctls,
    tracking,
    massFailureGuard,
    checkLimits,
    loopback,
    ...(timeouts ? { timeouts } : {}),
    ...(sync ? { sync } : {}),
  }
}

/** The addresses of the services that this director is a real server of, in direct routing. */
function loopbackOf({ services, node, routers }: Config): string[] {
  const own = services.filter(({ realServers }) =>
    realServers.some(({ address, forward }) => forward === 'dr' && node.addresses.includes(address)),
  )
  const vips = () => routers.flatMap(router => router.vips.map(({ address }) => address))
  return [...new Set(own.flatMap(({ ids }) => ids.flatMap(id => ('mark' in id ? vips() : [id.address]))))].sort()
}

/** `backup_only` takes effect where the backup's sync daemon runs: without one in the file, it runs beside the first router's adverts. */
function twoBoxSync({ routers: [first] }: Config): Config['sync'] {
  return first && { interface: first.interface, syncid: first.vrid, maxlen: 0, port: 0, ttl: 0 }
}

/** While the mass failure guard holds the table here, every router gives way by this much: it is tracked like a file's number. */
function guarded(router: RouterConfig, weight: number): RouterConfig {
  if (weight === 0) return router
  const guard = { source: guardSource, weight, reverse: false, onUnknown: 'keep' as const }
  return { ...router, track: { ...router.track, processes: [...router.track.processes, guard] } }
}

/** Equal content, equal hash: the configuration writes its keys in one order. */
function keyed(key: string, value: unknown): Keyed {
  return { key, hash: createHash('sha1').update(JSON.stringify(value, bytes)).digest('base64url'), value }
}

/** Keys of authentication are bytes. */
function bytes(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}
