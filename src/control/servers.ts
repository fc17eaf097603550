import { isIP } from 'node:net'
import { serverKey } from '../ipvs/table.js'
import type { Override, ServiceStatus } from '../messages.js'

/** What a person may call real servers: `SERVICE/ADDRESS[:PORT]`, `ADDRESS[:PORT]`. */
export type ServerName = { readonly service: string; readonly address: string; readonly port: number }

/** Parses it; undefined when it is none. `*` and 0 stand for any. */
export function parseServerName(text: string): ServerName | undefined {
  const slash = text.indexOf('/')
  const service = slash < 0 ? '*' : text.slice(0, slash)
  const rest = slash < 0 ? text : text.slice(slash + 1)
  if (service === '') return undefined
  if (isIP(rest)) return { service, address: rest, port: 0 }
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::(\d{1,5}))?$/.exec(rest)
  const address = match?.[1] ?? match?.[2]
  if (!address || !isIP(address)) return undefined
  const port = match?.[3] === undefined ? 0 : Number(match[3])
  return port > 65_535 ? undefined : { service, address, port }
}

/** Why a name fits no real server, and what there is. */
export function noSuchServer(services: readonly ServiceStatus[], text: string): string {
  const { service, address } = parseServerName(text) ?? { service: '*', address: '' }
  const found = services.find(({ name }) => name === service)
  if (service !== '*' && !found)
    return `there is no virtual server ${service} (${listed(services.map(({ name }) => name))})`
  if (found)
    return `${service} has no real server ${text.slice(service.length + 1)} (${listed(found.realServers.map(serverKey))})`
  const addresses = new Set(services.flatMap(({ realServers }) => realServers.map(server => server.address)))
  const port = addresses.has(address) ? 'with this port' : `(${listed([...addresses])})`
  return `no virtual server has a real server ${text} ${port}`
}

/** The first of what there is: a person picks from it, and reads no thousand names. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'there is none'
  const more = names.length > 8 ? ` and ${names.length - 8} more` : ''
  return `there is ${names.slice(0, 8).join(', ')}${more}`
}

export type Touched = { readonly service: string; readonly address: string; readonly port: number }

/** The real servers that the name fits, in the order of the file. */
export function touched(services: readonly ServiceStatus[], { service, address, port }: ServerName): Touched[] {
  return services
    .filter(({ name }) => service === '*' || service === name)
    .flatMap(({ name, realServers }) =>
      realServers
        .filter(server => server.address === address && (port === 0 || server.port === port))
        .map(server => ({ service: name, address: server.address, port: server.port })),
    )
}

/** Whether an override is about the real servers that the name fits. */
export function about(override: Override, { service, address, port }: ServerName): boolean {
  return (
    (service === '*' || override.service === '*' || override.service === service) &&
    override.address === address &&
    (port === 0 || override.port === 0 || override.port === port)
  )
}

export function label({ service, address, port }: Touched): string {
  return `${service}/${serverKey({ address, port })}`
}
