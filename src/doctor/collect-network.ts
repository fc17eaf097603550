import { read, run } from './collect-files.js'
import type { HostAddress, Interface, Neighbour, Route, Way } from './facts.js'

type IpLink = {
  readonly ifindex: number
  readonly ifname: string
  readonly flags?: readonly string[]
  readonly mtu?: number
  readonly master?: string
  readonly operstate?: string
  readonly linkinfo?: { readonly info_kind?: string }
  readonly addr_info?: readonly {
    readonly local?: string
    readonly prefixlen?: number
    readonly valid_life_time?: number
    readonly secondary?: boolean
  }[]
}

// iproute2 prints an address without end as the largest 32-bit number.
const forever = 4_294_967_295

export function readInterfaces(): Interface[] {
  return ipJson<IpLink>(['-details', 'address', 'show']).map(link => ({
    name: link.ifname,
    up: link.flags?.includes('UP') ?? false,
    running: (link.flags?.includes('LOWER_UP') ?? false) || link.operstate === 'UNKNOWN',
    loopback: link.flags?.includes('LOOPBACK') ?? false,
    noArp: link.flags?.includes('NOARP') ?? false,
    mtu: link.mtu ?? 0,
    kind: link.linkinfo?.info_kind ?? '',
    ...(link.master === undefined ? {} : { master: link.master }),
    networkd: /^ADMIN_STATE=(configured|configuring)$/m.test(read(`/run/systemd/netif/links/${link.ifindex}`) ?? ''),
    addresses: (link.addr_info ?? []).flatMap((info): HostAddress[] =>
      info.local === undefined
        ? []
        : [
            {
              address: info.local,
              prefix: info.prefixlen ?? 0,
              permanent: info.valid_life_time === forever,
              secondary: info.secondary === true,
            },
          ],
    ),
  }))
}

type IpRoute = {
  readonly dst?: string
  readonly gateway?: string
  readonly via?: { readonly host?: string }
  readonly dev?: string
  readonly table?: string
  readonly scope?: string
  readonly protocol?: string
  readonly prefsrc?: string
  readonly nexthops?: readonly { readonly gateway?: string; readonly dev?: string }[]
}

export function readRoutes(family: 4 | 6): Route[] {
  return ipJson<IpRoute>([`-${family}`, 'route', 'show', 'table', 'all']).flatMap(route => {
    const hops = route.nexthops ?? [{ gateway: route.gateway ?? route.via?.host, dev: route.dev }]
    return hops.map(
      (hop): Route => ({
        family,
        destination: route.dst ?? 'default',
        ...(hop.gateway === undefined ? {} : { via: hop.gateway }),
        ...(hop.dev === undefined ? {} : { interface: hop.dev }),
        table: route.table ?? 'main',
        ...(route.scope === undefined ? {} : { scope: route.scope }),
        ...(route.protocol === undefined ? {} : { protocol: route.protocol }),
        ...(route.prefsrc === undefined ? {} : { source: route.prefsrc }),
      }),
    )
  })
}

export function readWay(address: string): Way {
  const [route] = ipJson<IpRoute>(['route', 'get', address])
  if (!route) return { error: 'no route' }
  const via = route.gateway ?? route.via?.host
  return {
    ...(route.dev === undefined ? {} : { interface: route.dev }),
    ...(via === undefined ? {} : { via }),
  }
}

export function readNeighbours(): Neighbour[] {
  type IpNeighbour = { readonly dst: string; readonly dev?: string; readonly state?: readonly string[] }
  return ipJson<IpNeighbour>(['neighbour', 'show']).map(({ dst, dev = '', state = [] }) => ({
    address: dst,
    interface: dev,
    state: state[0] ?? '',
  }))
}

function ipJson<T>(args: readonly string[]): T[] {
  const text = run('ip', ['-json', ...args])
  if (text === undefined || text.trim() === '') return []
  try {
    // iproute2 prints an empty object for some entries it has nothing to say about.
    return (JSON.parse(text) as T[]).filter(entry => typeof entry === 'object' && Object.keys(entry ?? {}).length > 0)
  } catch {
    return []
  }
}
