import { createHash } from 'node:crypto'
import { canonical } from './canonical.js'
import type { Config } from './config.js'

/** A piece of configuration with its identity and the hash of its content. */
export type Keyed<T = unknown> = { readonly key: string; readonly hash: string; readonly value: T }

/** What checkers needs besides the services. */
export type Settings = Pick<
  Config,
  | 'node'
  | 'directors'
  | 'tracking'
  | 'onStop'
  | 'drift'
  | 'timeouts'
  | 'sync'
  | 'massFailureGuard'
  | 'checkLimits'
  | 'twoBox'
>

export type KeyedConfig = {
  readonly routers: readonly Keyed<Config['routers'][number]>[]
  readonly services: readonly Keyed<Config['services'][number]>[]
  readonly settings: Keyed<Settings>
}

/** The configuration in pieces, so that only what differs is sent; keys are names, hashes are of what this director does. */
export function keyed(config: Config): KeyedConfig {
  const { node, directors, tracking, onStop, drift, timeouts, sync, massFailureGuard, checkLimits, twoBox } = config
  const settings: Settings = {
    node,
    directors,
    tracking,
    onStop,
    drift,
    massFailureGuard,
    checkLimits,
    twoBox,
    ...(timeouts === undefined ? {} : { timeouts }),
    ...(sync === undefined ? {} : { sync }),
  }
  return {
    routers: config.routers.map(router => piece(router.name, router)),
    services: config.services.map(service => piece(service.name, service)),
    settings: piece('settings', settings),
  }
}

function piece<T>(key: string, value: T): Keyed<T> {
  return { key, value, hash: createHash('sha256').update(canonical(value)).digest('base64url') }
}
