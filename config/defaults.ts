import type { z } from 'zod'
import { type Broken, meant } from './broken-entries.js'
import type { Reporter } from './context.js'
import { complaints } from './issues.js'
import type { Path } from './problem.js'
import { file } from './schema/file.js'

/** Keys that say the same thing in two ways: whoever says one of them says all. */
const together: readonly (readonly string[])[] = [
  ['check', 'checks', 'require'],
  ['address', 'mark', 'ports', 'protocol', 'family'],
]

type Mapping = Record<string, unknown>

/** The data with what `defaults` says where an entry says nothing. Broken keys of the defaults are reported and not applied. */
export function withDefaults(data: Mapping, report: Reporter): { data: Mapping; broken: readonly Broken[] } {
  const given = data['defaults']
  if (given === undefined) return { data, broken: [] }
  const { defaults: _, ...others } = data
  const result = file.safeParse({ defaults: given })
  if (result.success) return { data: apply(data, given as Defaults), broken: [] }
  const found = complaints(file as z.ZodType, { defaults: given }, result.error.issues)
  for (const { code, path, message, ...more } of found) report.error(code, path, message, more)
  const broken = found.flatMap(one => everywhere(meant(one, { defaults: given })))
  return {
    data: apply(
      others,
      rest(
        given,
        found.map(({ path }) => path.slice(1)),
      ),
    ),
    broken,
  }
}

type Defaults = Readonly<Record<string, Mapping | undefined>>

/** The defaults without the keys that have a mistake. */
function rest(given: unknown, mistakes: readonly Path[]): Defaults {
  if (!isMapping(given)) return {}
  return Object.fromEntries(
    Object.entries(given).flatMap(([part, words]) => {
      const here = mistakes.filter(([first]) => first === part)
      if (!isMapping(words) || here.some(path => path.length < 2)) return []
      const wrong = new Set(here.map(path => path[1]))
      return [[part, Object.fromEntries(Object.entries(words).filter(([key]) => !wrong.has(key)))]]
    }),
  )
}

/** Where a default that cannot be read would have been. */
export function everywhere({ path: [, part, ...key], beside }: Broken): Broken[] {
  const places: readonly Path[] =
    part === 'real_servers'
      ? [['virtual_servers', '*', 'real_servers', '*']]
      : part === 'checks'
        ? [
            ['checks', '*'],
            ['virtual_servers', '*'],
          ]
        : part === 'virtual_routers' || part === 'virtual_servers'
          ? [[part, '*']]
          : [
              ['virtual_routers', '*'],
              ['checks', '*'],
              ['virtual_servers', '*'],
            ]
  return places.map(place => ({ path: [...place, ...key], ...(beside === undefined ? {} : { beside }) }))
}

function apply(data: Mapping, { virtual_routers, checks, virtual_servers, real_servers }: Defaults): Mapping {
  const inPlace = (entry: Mapping): Mapping => withChecks(entry, checks)
  return {
    ...data,
    virtual_routers: each(data['virtual_routers'], entry => fill(entry, virtual_routers)),
    checks: each(data['checks'], entry => fill(entry, checks)),
    virtual_servers: each(data['virtual_servers'], entry => {
      const service = inPlace(fill(entry, virtual_servers))
      const servers = service['real_servers']
      if (!Array.isArray(servers)) return service
      return {
        ...service,
        real_servers: servers.map(server =>
          real_servers === undefined && !isMapping(server) ? server : served(server, real_servers, inPlace),
        ),
      }
    }),
  }
}

function served(server: unknown, defaults: Mapping | undefined, inPlace: (entry: Mapping) => Mapping): unknown {
  const entry = mapped(server)
  return isMapping(entry) ? inPlace(fill(entry, defaults)) : entry
}

/** The defaults of checks hold for those in place too. */
function withChecks(entry: Mapping, defaults: Mapping | undefined): Mapping {
  if (defaults === undefined) return entry
  const { check, checks } = entry
  return {
    ...entry,
    ...(isMapping(check) ? { check: fill(check, defaults) } : {}),
    ...(Array.isArray(checks) ? { checks: checks.map(one => (isMapping(one) ? fill(one, defaults) : one)) } : {}),
  }
}

function mapped(server: unknown): unknown {
  return typeof server === 'string' ? { address: server } : server
}

function each(part: unknown, change: (entry: Mapping) => unknown): unknown {
  if (!isMapping(part)) return part
  return Object.fromEntries(
    Object.entries(part).map(([name, entry]) => [name, isMapping(entry) ? change(entry) : entry]),
  )
}

function fill(entry: Mapping, defaults: Mapping | undefined): Mapping {
  if (defaults === undefined) return entry
  const result = { ...entry }
  for (const [key, value] of Object.entries(defaults)) {
    const rivals = together.find(group => group.includes(key)) ?? [key]
    if (!rivals.some(rival => Object.hasOwn(entry, rival))) result[key] = value
  }
  return result
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
