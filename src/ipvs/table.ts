/** The kernel IPVS table as data: what is wanted and what was found have the same shape. */

export type Protocol = 'tcp' | 'udp' | 'sctp'
export type Scheduler =
  | 'rr'
  | 'wrr'
  | 'lc'
  | 'wlc'
  | 'lblc'
  | 'lblcr'
  | 'dh'
  | 'sh'
  | 'sed'
  | 'nq'
  | 'fo'
  | 'ovf'
  | 'mh'
  | 'twos'
export type SchedulerFlag = 'sh-port' | 'sh-fallback' | 'mh-port' | 'mh-fallback' | 'flag-1' | 'flag-2' | 'flag-3'

/** How a packet reaches the real server (linux/ip_vs.h IP_VS_CONN_F_*); `local` is the director itself. */
export type Forward = 'nat' | 'dr' | 'tun' | 'local'

export type Tunnel =
  | { readonly type: 'ipip' }
  | { readonly type: 'gue'; readonly port: number; readonly checksum: 'none' | 'csum' | 'remcsum' }
  | { readonly type: 'gre'; readonly checksum: 'none' | 'csum' }

/** What makes a service the same service: address, port and protocol, or a firewall mark and its family. */
export type ServiceId =
  | { readonly protocol: Protocol; readonly address: string; readonly port: number }
  | { readonly mark: number; readonly family: 4 | 6 }

export type ServiceSettings = {
  readonly scheduler: Scheduler
  readonly flags: readonly SchedulerFlag[]
  /** Persistence timeout in seconds; absent: not persistent. */
  readonly persistence?: {
    readonly timeout: number /** prefix length */
    readonly granularity: number
    readonly engine?: string
  }
  readonly onePacket: boolean
}

export type ServerSettings = {
  readonly weight: number
  readonly forward: Forward
  readonly tunnel?: Tunnel
  /** Connection thresholds; 0: none. */
  readonly upper: number
  readonly lower: number
}

export type Server = { readonly address: string; readonly port: number; readonly settings: ServerSettings }
export type Service = { readonly id: ServiceId; readonly settings: ServiceSettings }

/** Services by `serviceKey`, servers by `serverKey`; see order.ts for where their order counts. */
export type Table = ReadonlyMap<string, { readonly service: Service; readonly servers: ReadonlyMap<string, Server> }>

/** `tcp 10.9.0.100:80`, `udp [fd00:9::100]:53`, `mark 7 ipv4`; stable, used in logs and the journal. */
export function serviceKey(id: ServiceId): string {
  return 'mark' in id ? `mark ${id.mark} ipv${id.family}` : `${id.protocol} ${endpoint(id.address, id.port)}`
}

/** The inverse of `serviceKey`; undefined for anything else. */
export function parseServiceKey(key: string): ServiceId | undefined {
  const mark = /^mark (\d+) ipv([46])$/.exec(key)
  if (mark) return { mark: Number(mark[1]), family: mark[2] === '6' ? 6 : 4 }
  const [, protocol, six, four, port] = /^(tcp|udp|sctp) (?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d+)$/.exec(key) ?? []
  const address = six ?? four
  if (!protocol || !address || !port) return undefined
  return { protocol: protocol as Protocol, address, port: Number(port) }
}

/** `10.9.0.21:80`, `[fd00:9::21]:80`. */
export function serverKey(server: { readonly address: string; readonly port: number }): string {
  return endpoint(server.address, server.port)
}

/** Joins an address and a port the way RFC 3986 writes them. */
export function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
