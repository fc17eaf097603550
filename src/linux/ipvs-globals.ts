import { addressBytes, addressText } from '../ipvs/address.js'
import type { SyncDaemon, SyncRole, Timeouts } from '../ipvs/daemon.js'
import { type AttributeWriter, numberOf, readAttributes, textOf } from './ipvs-attributes.js'
import { DAEMON_STATE, IPVS_CMD_ATTR, IPVS_DAEMON_ATTR, IPVS_INFO_ATTR } from './ipvs-header.js'

/** What the kernel says of itself. */
export type Info = { readonly version: string; readonly connectionTableSize: number }

/** Attributes of SET_CONFIG; a zero is left out, which leaves the kernel's value alone. */
export function putTimeouts(out: AttributeWriter, timeouts: Timeouts): void {
  if (timeouts.tcp) out.u32(IPVS_CMD_ATTR.TIMEOUT_TCP, timeouts.tcp)
  if (timeouts.tcpFin) out.u32(IPVS_CMD_ATTR.TIMEOUT_TCP_FIN, timeouts.tcpFin)
  if (timeouts.udp) out.u32(IPVS_CMD_ATTR.TIMEOUT_UDP, timeouts.udp)
}

/** The answer of GET_CONFIG. */
export function decodeTimeouts(attributes: Buffer): Timeouts {
  const found = readAttributes(attributes)
  return {
    tcp: numberOf(found.get(IPVS_CMD_ATTR.TIMEOUT_TCP)) ?? 0,
    tcpFin: numberOf(found.get(IPVS_CMD_ATTR.TIMEOUT_TCP_FIN)) ?? 0,
    udp: numberOf(found.get(IPVS_CMD_ATTR.TIMEOUT_UDP)) ?? 0,
  }
}

/** Attributes of NEW_DAEMON. */
export function putDaemon(out: AttributeWriter, daemon: SyncDaemon): void {
  out.nest(IPVS_CMD_ATTR.DAEMON, inner => {
    inner
      .u32(IPVS_DAEMON_ATTR.STATE, DAEMON_STATE[daemon.role])
      .text(IPVS_DAEMON_ATTR.MCAST_IFN, daemon.interface)
      .u32(IPVS_DAEMON_ATTR.SYNC_ID, daemon.syncid)
    if (daemon.maxlen) inner.u16(IPVS_DAEMON_ATTR.SYNC_MAXLEN, daemon.maxlen)
    const group = daemon.group ? addressBytes(daemon.group) : undefined
    if (group) inner.bytes(group.length === 4 ? IPVS_DAEMON_ATTR.MCAST_GROUP : IPVS_DAEMON_ATTR.MCAST_GROUP6, group)
    if (daemon.port) inner.u16(IPVS_DAEMON_ATTR.MCAST_PORT, daemon.port)
    if (daemon.ttl) inner.u8(IPVS_DAEMON_ATTR.MCAST_TTL, daemon.ttl)
  })
}

/** Attributes of DEL_DAEMON. */
export function putDaemonRole(out: AttributeWriter, role: SyncRole): void {
  out.nest(IPVS_CMD_ATTR.DAEMON, inner => inner.u32(IPVS_DAEMON_ATTR.STATE, DAEMON_STATE[role]))
}

/** One answer of GET_DAEMON; undefined when it makes no sense. */
export function decodeDaemon(attributes: Buffer): SyncDaemon | undefined {
  const nested = readAttributes(attributes).get(IPVS_CMD_ATTR.DAEMON)
  if (!nested) return undefined
  const found = readAttributes(nested)
  const state = numberOf(found.get(IPVS_DAEMON_ATTR.STATE))
  if (state !== DAEMON_STATE.master && state !== DAEMON_STATE.backup) return undefined
  const group = found.get(IPVS_DAEMON_ATTR.MCAST_GROUP) ?? found.get(IPVS_DAEMON_ATTR.MCAST_GROUP6)
  return {
    role: state === DAEMON_STATE.master ? 'master' : 'backup',
    interface: textOf(found.get(IPVS_DAEMON_ATTR.MCAST_IFN)) ?? '',
    syncid: numberOf(found.get(IPVS_DAEMON_ATTR.SYNC_ID)) ?? 0,
    maxlen: numberOf(found.get(IPVS_DAEMON_ATTR.SYNC_MAXLEN)) ?? 0,
    ...(group && (group.length === 4 || group.length === 16) ? { group: addressText(group) } : {}),
    port: numberOf(found.get(IPVS_DAEMON_ATTR.MCAST_PORT)) ?? 0,
    ttl: numberOf(found.get(IPVS_DAEMON_ATTR.MCAST_TTL)) ?? 0,
  }
}

/** The answer of GET_INFO. */
export function decodeInfo(attributes: Buffer): Info {
  const found = readAttributes(attributes)
  const code = numberOf(found.get(IPVS_INFO_ATTR.VERSION)) ?? 0
  return {
    version: [(code >> 16) & 0xff, (code >> 8) & 0xff, code & 0xff].join('.'),
    connectionTableSize: numberOf(found.get(IPVS_INFO_ATTR.CONN_TAB_SIZE)) ?? 0,
  }
}
