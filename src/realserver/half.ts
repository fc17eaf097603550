import type { Config, ServiceConfig } from '../../config/config.js'

/** The real server's half of one forwarding method: what must be so on it, whatever made it so. */
export type Half = {
  readonly mode: 'dr' | 'tun' | 'nat'
  readonly tunnel: { readonly type: 'ipip' | 'gre' } | { readonly type: 'gue'; readonly port: number }
  /** Addresses that clients send to. dr and tun: this machine has them too, unseen from outside. */
  readonly vips: readonly string[]
  /** What must listen here, on which address clients' packets arrive. */
  readonly services: readonly {
    readonly protocol: 'tcp' | 'udp' | 'sctp'
    readonly address: string
    readonly port: number
  }[]
  /** Own addresses of the directors. */
  readonly directors: readonly string[]
  /** nat: the address that answers must go back through; it moves between the directors. */
  readonly gateway?: string
}

export type HalfOptions = {
  /** The real server's own addresses: its entries in the file. */
  readonly addresses: readonly string[]
}

/** What the file asks of the real server with these addresses: one half for each forwarding method in use. */
export function halvesOf(config: Config, { addresses }: HalfOptions): Half[] {
  const halves = new Map<string, Half>()
  const directors = config.directors.flatMap(director => director.addresses)
  for (const service of config.services)
    for (const server of service.realServers.filter(one => addresses.includes(one.address))) {
      const tunnel = tunnelOf(server.tunnel)
      const key = JSON.stringify([server.forward, server.forward === 'tun' ? tunnel : null])
      const vips = vipsOf(service)
      const known = halves.get(key)
      const nat = server.forward === 'nat'
      const gateway = nat ? gatewayFor(config, server.address) : undefined
      halves.set(key, {
        mode: server.forward,
        tunnel,
        vips: [...new Set([...(known?.vips ?? []), ...vips])],
        services: [...(known?.services ?? []), ...listening(service, nat ? server.address : undefined, server.port)],
        directors,
        ...(gateway === undefined ? {} : { gateway }),
      })
    }
  return [...halves.values()]
}

function tunnelOf(tunnel: ServiceConfig['realServers'][number]['tunnel']): Half['tunnel'] {
  return tunnel?.type === 'gue' ? { type: 'gue', port: tunnel.port } : { type: tunnel?.type ?? 'ipip' }
}

function vipsOf({ ids }: ServiceConfig): readonly string[] {
  return ids.flatMap(id => ('mark' in id ? [] : id.address))
}

/** dr and tun deliver to the VIP; nat to the real server's own address and port. */
function listening(service: ServiceConfig, own: string | undefined, port: number): Half['services'] {
  return service.ids.flatMap(id => {
    if ('mark' in id) return []
    const real = own !== undefined && port > 0 ? port : id.port
    return real === 0 ? [] : [{ protocol: id.protocol, address: own ?? id.address, port: real }]
  })
}

/** The VIP that lies in the real server's network: the inner gateway of a NAT pair. */
function gatewayFor(config: Config, address: string): string | undefined {
  const vips = config.routers.flatMap(router => [...router.vips, ...router.excludedVips])
  const family = (text: string) => (text.includes(':') ? 6 : 4)
  const served = new Set(config.services.flatMap(vipsOf))
  const near = vips.filter(
    vip => family(vip.address) === family(address) && vip.prefix < (family(address) === 4 ? 32 : 128),
  )
  const inner = near.filter(vip => sameNetwork(vip.address, address, vip.prefix))
  return (inner.find(vip => !served.has(vip.address)) ?? inner[0])?.address
}

/** Whether two addresses share their first bits. */
export function sameNetwork(a: string, b: string, prefix: number): boolean {
  const [left, right] = [bits(a), bits(b)]
  return left.length === right.length && left.slice(0, prefix) === right.slice(0, prefix)
}

function bits(address: string): string {
  if (!address.includes(':'))
    return address
      .split('.')
      .map(part => Number(part).toString(2).padStart(8, '0'))
      .join('')
  const [head = '', tail = ''] = address.split('::')
  const left = head.split(':').filter(Boolean)
  const right = tail.split(':').filter(Boolean)
  const zeros = address.includes('::') ? Array.from({ length: 8 - left.length - right.length }, () => '0') : []
  return [...left, ...zeros, ...right].map(group => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('')
}
