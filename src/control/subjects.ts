import { parts } from '../alerts/subject.js'
import { serverKey } from '../ipvs/table.js'
import type { State } from './state.js'

/**
 * Whether what an event was about is still there: virtual routers, directors, virtual and real servers of the
 * configuration, and real servers that a source names at the moment. Anything else is taken to exist.
 */
export function stillThere({ config, services }: Pick<State, 'config' | 'services'>): (subject: string) => boolean {
  const names = (list: readonly { readonly name: string }[]) => new Set(list.map(({ name }) => name))
  const known: Readonly<Record<string, ReadonlySet<string>>> = {
    router: names(config.routers),
    director: names(config.directors),
    service: names(config.services),
  }
  const written = new Set(
    config.services.flatMap(({ name, realServers }) => realServers.map(server => `${name}/${serverKey(server)}`)),
  )
  const sourced = new Set(config.services.filter(({ sources }) => sources.length > 0).map(({ name }) => name))

  function named(name: string): boolean {
    const service = name.slice(0, name.indexOf('/'))
    if (written.has(name)) return true
    if (!sourced.has(service)) return false
    const found = services.get(service)?.realServers
    return found === undefined || found.some(server => `${service}/${serverKey(server)}` === name)
  }

  return subject => {
    const [kind, name] = parts(subject)
    return kind === 'server' ? named(name) : (known[kind]?.has(name) ?? true)
  }
}
