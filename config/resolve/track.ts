import type { RouterConfig, TrackedConfig } from '../config.js'
import type { Path } from '../problem.js'
import type { TrackFile } from '../schema/router.js'
import { suggest } from '../suggest.js'
import type { Around } from './routers.js'

/** What moves the priority of a router, by the names that its contributions carry. */
export function track(
  path: Path,
  given: TrackFile | undefined,
  rename: (word: string) => string,
  { names, report }: Around,
): RouterConfig['track'] {
  function list(key: Kind, source: (name: string) => string): TrackedConfig[] {
    const value = given?.[key]
    if (value === undefined) return []
    const entries = Array.isArray(value)
      ? value.map((name, index) => [name, {}, index] as const)
      : Object.entries(value).map(([name, more]) => [name, more, name] as const)
    return entries.map(([name, more, step]) => {
      if (key !== 'interfaces' && !names[key].includes(name)) unknown([...path, key, step], key, name)
      return { source: source(name), ...tracked(more) }
    })
  }
  function unknown(at: Path, key: Exclude<Kind, 'interfaces'>, name: string): void {
    const near = suggest(name, names[key])
    const known = names[key].length > 0 ? `${key}: ${names[key].slice(0, 10).join(', ')}` : `define it under ${key}`
    const suggestion = near === undefined ? known : `did you mean "${near}"?`
    report.error('unknown-tracked', at, `there is no ${singular[key]} "${name}"`, { suggestion })
  }
  return {
    ownInterface: given?.own_interface ?? true,
    interfaces: list('interfaces', name => `interface ${rename(name)}`),
    scripts: list('scripts', name => `script ${name}`),
    files: list('files', name => `file ${name}`),
    processes: list('processes', name => `process ${name}`),
    virtualServers: list('virtual_servers', name => `virtual_server ${name}`),
    ...(given?.gateway === undefined
      ? {}
      : { gateway: { source: `gateway ${given.gateway.address}`, ...tracked(given.gateway) } }),
  }
}

type Kind = 'interfaces' | 'scripts' | 'files' | 'processes' | 'virtual_servers'
const singular = { scripts: 'script', files: 'file', processes: 'process', virtual_servers: 'virtual server' } as const

function tracked(given: {
  weight?: number | undefined
  reverse?: boolean | undefined
  on_unknown?: 'keep' | 'fail' | undefined
  debounce?: number | undefined
}) {
  return {
    weight: given.weight ?? 0,
    reverse: given.reverse ?? false,
    onUnknown: given.on_unknown ?? ('keep' as const),
    ...(given.debounce === undefined ? {} : { debounce: given.debounce }),
  }
}
