import { createHash } from 'node:crypto'
import type { Config, RouterConfig } from '../../config/config.js'
import { guardSource } from '../checking/guard-source.js'
import type { Keyed } from '../messages.js'
import type { Wanted } from './distribution.js'

/** What the checkers need besides the virtual servers. */
export type CheckerSettings = Pick<
  Config,
  'onStop' | 'drift' | 'timeouts' | 'sync' | 'sysctls' | 'tracking' | 'massFailureGuard' | 'checkLimits' | 'twoBox'
> & {
  readonly node: string
}

/** Cuts the configuration into what travels and changes by itself. */
export function wantedOf(config: Config): Wanted {
  const { onStop, drift, timeouts, sync, sysctls, tracking, massFailureGuard, checkLimits, twoBox, node } = config
  const settings: CheckerSettings = {
    node: node.name,
    onStop,
    drift,
    sysctls,
    tracking,
    massFailureGuard,
    checkLimits,
    twoBox,
    ...(timeouts ? { timeouts } : {}),
    ...(sync ? { sync } : {}),
  }
  return {
    routers: config.routers.map(router => keyed(router.name, guarded(router, massFailureGuard.weight))),
    services: config.services.map(service => keyed(service.name, service)),
    settings: keyed('settings', settings),
  }
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
