import { addressText, familyOf } from '../ipvs/address.js'
import type { Scheduler, SchedulerFlag, Server, ServerSettings, Service, ServiceId, Tunnel } from '../ipvs/table.js'
import { type AttributeWriter, numberOf, portOf, readAttributes, textOf } from './ipvs-attributes.js'
import {
  AF_INET,
  AF_INET6,
  FORWARD,
  IP_VS_CONN_F_FWD_MASK,
  IP_VS_SVC_F,
  IPVS_CMD_ATTR,
  IPVS_DEST_ATTR,
  IPVS_STATS_ATTR,
  IPVS_SVC_ATTR,
  PROTOCOL,
  TUNNEL_FLAG,
  TUNNEL_TYPE,
} from './ipvs-header.js'

/** Counters since the last zeroing, and rates per second as the kernel estimates them (over about 2 s). */
export type Stats = {
  readonly connections: number
  readonly packetsIn: number
  readonly packetsOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly connectionRate: number
  readonly packetRateIn: number
  readonly packetRateOut: number
  readonly byteRateIn: number
  readonly byteRateOut: number
}

export type KernelService = { readonly service: Service; readonly stats: Stats }
export type KernelServer = {
  readonly server: Server
  readonly active: number
  readonly inactive: number
  readonly persistent: number
  readonly stats: Stats
}

/** Attributes of NEW_SERVICE and SET_SERVICE. */
export function putService(out: AttributeWriter, service: Service): void {
  out.nest(IPVS_CMD_ATTR.SERVICE, inner => {
    putIdentity(inner, service.id)
    putServiceSettings(inner, service)
  })
}

/** Attributes of DEL_SERVICE, GET_SERVICE, GET_DEST and ZERO: only which service. */
export function putServiceId(out: AttributeWriter, id: ServiceId): void {
  out.nest(IPVS_CMD_ATTR.SERVICE, inner => putIdentity(inner, id))
}

/** Attributes of NEW_DEST and SET_DEST. */
export function putServer(out: AttributeWriter, id: ServiceId, server: Server): void {
  putServiceId(out, id)
  out.nest(IPVS_CMD_ATTR.DEST, inner => {
    putEndpoint(inner, server)
    putServerSettings(inner, server.settings)
  })
}

/**
 * Where addresses and ports of IPv4 are in the attributes above: SERVICE { AF, PROTOCOL, ADDR, PORT, ... }, then
 * DEST { ADDR, PORT, ... }, each with a header of 4 bytes.
 */
export const AT = { serviceAddress: 24, servicePort: 44, address: 56, port: 76 } as const

/** Attributes of DEL_DEST. */
export function putServerId(out: AttributeWriter, id: ServiceId, server: Endpoint): void {
  putServiceId(out, id)
  out.nest(IPVS_CMD_ATTR.DEST, inner => putEndpoint(inner, server))
}

export type Endpoint = { readonly address: string; readonly port: number }

/** One answer of GET_SERVICE (after the generic netlink header); undefined when it makes no sense. */
export function decodeService(attributes: Buffer): KernelService | undefined {
  const nested = readAttributes(attributes).get(IPVS_CMD_ATTR.SERVICE)
  if (!nested) return undefined
  const found = readAttributes(nested)
  const id = serviceId(found)
  const scheduler = textOf(found.get(IPVS_SVC_ATTR.SCHED_NAME))
  if (!id || !scheduler) return undefined
  const flags = numberOf(found.get(IPVS_SVC_ATTR.FLAGS)?.subarray(0, 4)) ?? 0
  const engine = textOf(found.get(IPVS_SVC_ATTR.PE_NAME))
  const persistence = {
    timeout: numberOf(found.get(IPVS_SVC_ATTR.TIMEOUT)) ?? 0,
    granularity: granularity(found.get(IPVS_SVC_ATTR.NETMASK), familyOfService(id)),
    ...(engine ? { engine } : {}),
  }
  return {
    service: {
      id,
      settings: {
        // The kernel may know a scheduler that this program does not: its name is kept as it is.
        scheduler: scheduler as Scheduler,
        flags: schedulerFlags(scheduler, flags),
        ...(flags & IP_VS_SVC_F.PERSISTENT ? { persistence } : {}),
        onePacket: (flags & IP_VS_SVC_F.ONEPACKET) !== 0,
      },
    },
    stats: stats(found.get(IPVS_SVC_ATTR.STATS64) ?? found.get(IPVS_SVC_ATTR.STATS)),
  }
}

/** One answer of GET_DEST for a service of that family; undefined when it makes no sense. */
export function decodeServer(attributes: Buffer, family: 4 | 6): KernelServer | undefined {
  const nested = readAttributes(attributes).get(IPVS_CMD_ATTR.DEST)
  if (!nested) return undefined
  const found = readAttributes(nested)
  const af = numberOf(found.get(IPVS_DEST_ATTR.ADDR_FAMILY)) ?? (family === 6 ? AF_INET6 : AF_INET)
  const address = addressOf(found.get(IPVS_DEST_ATTR.ADDR), af)
  const port = portOf(found.get(IPVS_DEST_ATTR.PORT))
  if (address === undefined || port === undefined) return undefined
  const method = (numberOf(found.get(IPVS_DEST_ATTR.FWD_METHOD)) ?? 0) & IP_VS_CONN_F_FWD_MASK
  const forward = nameOf(FORWARD, method) ?? 'nat'
  const read = (type: number): number => numberOf(found.get(type)) ?? 0
  const settings: ServerSettings = {
    weight: read(IPVS_DEST_ATTR.WEIGHT),
    forward,
    ...(forward === 'tun' ? { tunnel: tunnel(found.get(IPVS_DEST_ATTR.TUN_PORT), read) } : {}),
    upper: read(IPVS_DEST_ATTR.U_THRESH),
    lower: read(IPVS_DEST_ATTR.L_THRESH),
  }
  return {
    server: { address, port, settings },
    active: read(IPVS_DEST_ATTR.ACTIVE_CONNS),
    inactive: read(IPVS_DEST_ATTR.INACT_CONNS),
    persistent: read(IPVS_DEST_ATTR.PERSIST_CONNS),
    stats: stats(found.get(IPVS_DEST_ATTR.STATS64) ?? found.get(IPVS_DEST_ATTR.STATS)),
  }
}

export function familyOfService(id: ServiceId): 4 | 6 {
  return 'mark' in id ? id.family : familyOf(id.address)
}

function putIdentity(out: AttributeWriter, id: ServiceId): void {
  out.u16(IPVS_SVC_ATTR.AF, familyOfService(id) === 6 ? AF_INET6 : AF_INET)
  if ('mark' in id) {
    out.u32(IPVS_SVC_ATTR.FWMARK, id.mark)
    return
  }
  out
    .u16(IPVS_SVC_ATTR.PROTOCOL, PROTOCOL[id.protocol])
    .inet(IPVS_SVC_ATTR.ADDR, id.address)
    .u16be(IPVS_SVC_ATTR.PORT, id.port)
}

function putServiceSettings(out: AttributeWriter, { id, settings }: Service): void {
  const { scheduler, persistence, onePacket } = settings
  const six = familyOfService(id) === 6
  const bits =
    settings.flags.reduce((sum, flag) => sum | FLAG_BITS[flag], 0) |
    (persistence ? IP_VS_SVC_F.PERSISTENT : 0) |
    (onePacket ? IP_VS_SVC_F.ONEPACKET : 0)
  out.text(IPVS_SVC_ATTR.SCHED_NAME, scheduler)
  if (persistence?.engine) out.text(IPVS_SVC_ATTR.PE_NAME, persistence.engine)
  out
    // struct ip_vs_flags { flags, mask }
    .u32(IPVS_SVC_ATTR.FLAGS, bits, 0xffffffff)
    .u32(IPVS_SVC_ATTR.TIMEOUT, persistence?.timeout ?? 0)
  const prefix = persistence?.granularity ?? (six ? 128 : 32)
  // IPv6: the prefix length itself, in machine order; IPv4: a mask in network order.
  if (six) out.u32(IPVS_SVC_ATTR.NETMASK, prefix)
  else out.bytes(IPVS_SVC_ATTR.NETMASK, maskBytes(prefix))
}

function putEndpoint(out: AttributeWriter, server: Endpoint): void {
  out
    .inet(IPVS_DEST_ATTR.ADDR, server.address)
    .u16be(IPVS_DEST_ATTR.PORT, server.port)
    .u16(IPVS_DEST_ATTR.ADDR_FAMILY, familyOf(server.address) === 6 ? AF_INET6 : AF_INET)
}

function putServerSettings(out: AttributeWriter, settings: ServerSettings): void {
  out
    .u32(IPVS_DEST_ATTR.FWD_METHOD, FORWARD[settings.forward])
    .u32(IPVS_DEST_ATTR.WEIGHT, settings.weight)
    .u32(IPVS_DEST_ATTR.U_THRESH, settings.upper)
    .u32(IPVS_DEST_ATTR.L_THRESH, settings.lower)
  const { tunnel } = settings
  // Kernels before 5.2 know none of these attributes: plain ipip says nothing.
  if (settings.forward !== 'tun' || !tunnel || tunnel.type === 'ipip') return
  out
    .u8(IPVS_DEST_ATTR.TUN_TYPE, TUNNEL_TYPE[tunnel.type])
    .u16be(IPVS_DEST_ATTR.TUN_PORT, tunnel.type === 'gue' ? tunnel.port : 0)
    .u16(IPVS_DEST_ATTR.TUN_FLAGS, TUNNEL_FLAG[tunnel.checksum])
}

/** sh and mh give the first two flags a name; IP_VS_SVC_F_SCHED_SH_FALLBACK, _SH_PORT, _MH_FALLBACK, _MH_PORT. */
const FLAG_BITS: Readonly<Record<SchedulerFlag, number>> = {
  'sh-fallback': IP_VS_SVC_F.SCHED1,
  'sh-port': IP_VS_SVC_F.SCHED2,
  'mh-fallback': IP_VS_SVC_F.SCHED1,
  'mh-port': IP_VS_SVC_F.SCHED2,
  'flag-1': IP_VS_SVC_F.SCHED1,
  'flag-2': IP_VS_SVC_F.SCHED2,
  'flag-3': IP_VS_SVC_F.SCHED3,
}

function schedulerFlags(scheduler: string, bits: number): SchedulerFlag[] {
  const [one, two]: SchedulerFlag[] =
    scheduler === 'sh'
      ? ['sh-fallback', 'sh-port']
      : scheduler === 'mh'
        ? ['mh-fallback', 'mh-port']
        : ['flag-1', 'flag-2']
  return [one, two, 'flag-3' as const].filter(
    (flag): flag is SchedulerFlag => flag !== undefined && (bits & FLAG_BITS[flag]) !== 0,
  )
}

function serviceId(found: ReadonlyMap<number, Buffer>): ServiceId | undefined {
  const af = numberOf(found.get(IPVS_SVC_ATTR.AF))
  if (af !== AF_INET && af !== AF_INET6) return undefined
  const mark = numberOf(found.get(IPVS_SVC_ATTR.FWMARK))
  if (mark) return { mark, family: af === AF_INET6 ? 6 : 4 }
  const protocol = nameOf(PROTOCOL, numberOf(found.get(IPVS_SVC_ATTR.PROTOCOL)))
  const address = addressOf(found.get(IPVS_SVC_ATTR.ADDR), af)
  const port = portOf(found.get(IPVS_SVC_ATTR.PORT))
  if (!protocol || address === undefined || port === undefined) return undefined
  return { protocol, address, port }
}

function tunnel(port: Buffer | undefined, read: (type: number) => number): Tunnel {
  const flags = read(IPVS_DEST_ATTR.TUN_FLAGS)
  const csum = flags & TUNNEL_FLAG.csum ? 'csum' : 'none'
  switch (read(IPVS_DEST_ATTR.TUN_TYPE)) {
    case TUNNEL_TYPE.gue:
      return { type: 'gue', port: portOf(port) ?? 0, checksum: flags & TUNNEL_FLAG.remcsum ? 'remcsum' : csum }
    case TUNNEL_TYPE.gre:
      return { type: 'gre', checksum: csum }
    default:
      return { type: 'ipip' }
  }
}

function stats(nested: Buffer | undefined): Stats {
  const found = nested ? readAttributes(nested) : new Map<number, Buffer>()
  const read = (type: number): number => numberOf(found.get(type)) ?? 0
  return {
    connections: read(IPVS_STATS_ATTR.CONNS),
    packetsIn: read(IPVS_STATS_ATTR.INPKTS),
    packetsOut: read(IPVS_STATS_ATTR.OUTPKTS),
    bytesIn: read(IPVS_STATS_ATTR.INBYTES),
    bytesOut: read(IPVS_STATS_ATTR.OUTBYTES),
    connectionRate: read(IPVS_STATS_ATTR.CPS),
    packetRateIn: read(IPVS_STATS_ATTR.INPPS),
    packetRateOut: read(IPVS_STATS_ATTR.OUTPPS),
    byteRateIn: read(IPVS_STATS_ATTR.INBPS),
    byteRateOut: read(IPVS_STATS_ATTR.OUTBPS),
  }
}

function addressOf(attribute: Buffer | undefined, af: number): string | undefined {
  const length = af === AF_INET6 ? 16 : 4
  return attribute && attribute.length >= length ? addressText(attribute.subarray(0, length)) : undefined
}

function maskBytes(prefix: number): Uint8Array {
  return Uint8Array.from([0, 8, 16, 24], shift => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - shift))))
}

function granularity(attribute: Buffer | undefined, family: 4 | 6): number {
  if (attribute?.length !== 4) return family === 6 ? 128 : 32
  if (family === 6) return numberOf(attribute) ?? 128
  const mask = attribute.readUInt32BE(0)
  return Math.clz32(~mask >>> 0)
}

function nameOf<Name extends string>(table: Readonly<Record<Name, number>>, value: number | undefined) {
  const names = Object.keys(table) as Name[]
  return names.find(name => table[name] === value)
}
