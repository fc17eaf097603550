import type { Config } from '../../config/config.js'

type Path = readonly (string | number)[]
type Meaning = Readonly<Record<string, unknown>>

/** What the top-level keys of a file say, as fields of the configuration; the parts that hold entries are below. */
const settings: Readonly<Record<string, readonly (keyof Config)[]>> = {
  peer_key_file: ['peerKeyFile'],
  peer_port: ['peerPort'],
  on_stop: ['onStop'],
  drift: ['drift'],
  timeouts: ['timeouts'],
  sync: ['sync'],
  sysctls: ['sysctls'],
  mass_failure_guard: ['massFailureGuard'],
  check_limits: ['checkLimits'],
  override_limit: ['overrideLimit'],
  api: ['api'],
  metrics: ['metrics'],
  state_folder: ['stateFolder'],
  events: ['eventsMaxSize'],
  log: ['logLevel'],
}

/**
 * What a slip at this place of a file may not change: everything but the one setting, alert, check, virtual router, virtual server or
 * tracked thing, and what is made of it. A director's entry may change who is there and the priorities, and nothing else.
 *
 * @param gone the alert at this place was taken out, so that none stands there now
 */
export function elsewhere({ hash: _, ...config }: Config, [part, name, ...deeper]: Path, gone = false): string {
  return JSON.stringify(without(config, String(part), name, deeper, gone))
}

function without(
  config: Omit<Config, 'hash'>,
  part: string,
  name: Path[number] | undefined,
  deeper: Path,
  gone: boolean,
): Meaning {
  const { routers, services, tracking, alerts, directors } = config
  const other = (one: { readonly name: string }) => name !== undefined && one.name !== name
  switch (part) {
    case 'virtual_routers':
      return { ...config, tracking: 0, twoBox: 0, routers: routers.filter(other) }
    case 'virtual_servers':
      return { ...config, twoBox: 0, services: services.filter(other) }
    case 'defaults':
      return name === 'virtual_routers' ? { ...config, routers: 0 } : { ...config, services: 0 }
    case 'directors':
      return {
        ...{ ...config, node: 0, twoBox: 0, directors: directors.filter(other) },
        routers: routers.map(router => ofOther(router, deeper)),
      }
    case 'checks':
      return { ...config, services: services.map(service => withoutCheck(service, other)) }
    case 'scripts':
    case 'files':
    case 'processes':
      return {
        ...config,
        tracking: { ...tracking, [part]: tracking[part].filter(({ source }) => !source.endsWith(` ${name}`)) },
      }
    case 'alerts':
      // Those without a name are counted, so the ones behind it are called otherwise.
      return {
        ...config,
        alerts: alerts
          .filter((_, index) => gone || (name !== undefined && index !== name))
          .map(alert => ({ ...alert, name: 0 })),
      }
    default: {
      const fields = settings[part]
      if (fields === undefined) throw new Error(`nobody says what ${part} may change`)
      return Object.fromEntries(Object.entries(config).filter(([key]) => !(fields as readonly string[]).includes(key)))
    }
  }
}

function withoutCheck(
  { realServers, sources, ...service }: Config['services'][number],
  other: (check: { readonly name: string }) => boolean,
): Meaning {
  const others = <T extends { readonly checks: readonly { readonly name: string }[] }>(servers: readonly T[]) =>
    servers.map(({ checks, ...server }) => ({ ...server, checks: checks.filter(other) }))
  return { ...service, realServers: others(realServers), sources: others(sources) }
}

/** A virtual router without what it has of the directors; without the first director it is read as another one, with other interfaces. */
function ofOther(
  { peers: _, directors: __, director: ___, ...router }: Config['routers'][number],
  deeper: Path,
): Meaning {
  const { name, vrid, advertInterval, vips, priority } = router
  if (deeper.length === 0) return { name, vrid, advertInterval, vips: vips.map(({ address }) => address) }
  return { ...router, priority: deeper[0] === 'priority' || priority }
}
