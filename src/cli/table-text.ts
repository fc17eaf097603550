import { addressBytes } from '../ipvs/address.js'
import type { SyncDaemon, Timeouts } from '../ipvs/daemon.js'
import { flagText, maskText } from '../ipvs/ipvsadm.js'
import { endpoint, type ServiceId, type Tunnel } from '../ipvs/table.js'
import type { ListedService } from '../linux/ipvs.js'
import type { Info } from '../linux/ipvs-globals.js'
import type { KernelServer, Stats } from '../linux/ipvs-messages.js'

export type View = 'connections' | 'stats' | 'rate' | 'thresholds' | 'persistent' | 'tunnels'

/** The table in the very lines of `ipvsadm -Ln` with the option of that view; `exact` as its --exact. */
export function tableText(services: readonly ListedService[], info: Info, view: View, exact = false): string {
  const lines = [`IP Virtual Server version ${info.version} (size=${info.connectionTableSize})`, ...headings[view]]
  for (const service of services) {
    lines.push(serviceLine(service, view, exact))
    for (const server of service.servers) lines.push(`  -> ${serverLine(server, view, exact)}`)
  }
  return lines.map(line => `${line}\n`).join('')
}

export function timeoutText({ tcp, tcpFin, udp }: Timeouts): string {
  return `Timeout (tcp tcpfin udp): ${tcp} ${tcpFin} ${udp}\n`
}

export function daemonText(daemons: readonly SyncDaemon[]): string {
  return daemons
    .map(({ role, interface: name, syncid, maxlen, group, port, ttl }) => {
      const more = [
        maxlen ? `, maxlen=${maxlen}` : '',
        group ? `, group=${group}` : '',
        port ? `, port=${port}` : '',
        ttl ? `, ttl=${ttl}` : '',
      ]
      return `${role} sync daemon (mcast=${name}, syncid=${syncid}${more.join('')})\n`
    })
    .join('')
}

/** Services by family, protocol, address and port, marks last; real servers by family, address and port: as numbers. */
export function sorted(services: readonly ListedService[]): ListedService[] {
  return services
    .map(service => ({
      ...service,
      servers: [...service.servers].sort((a, b) => compare(place(a.server), place(b.server))),
    }))
    .sort((a, b) => compare(order(a.service.id), order(b.service.id)))
}

function order(id: ServiceId): number[] {
  if ('mark' in id) return [1, id.mark, id.family]
  return [0, id.address.includes(':') ? 6 : 4, ['tcp', 'udp', 'sctp'].indexOf(id.protocol), ...place(id).slice(1)]
}

function place({ address, port }: { readonly address: string; readonly port: number }): number[] {
  const bytes = [...addressBytes(address)]
  return [bytes.length, ...bytes, port]
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, x] of a.entries()) {
    const y = b[i]
    if (y === undefined || x !== y) return x - (y ?? 0)
  }
  return a.length - b.length
}

const columns = (...names: string[]) =>
  `${'Prot LocalAddress:Port'.padEnd(33)}${names.map(name => ` ${name}`).join('')}`
const counters = (...names: string[]) => columns(...names.map(name => name.padStart(8)))
const REMOTE = '  -> RemoteAddress:Port'
const SCHEDULER = 'Prot LocalAddress:Port Scheduler Flags'

const headings: Readonly<Record<View, readonly string[]>> = {
  connections: [SCHEDULER, `${REMOTE}           Forward Weight ActiveConn InActConn`],
  tunnels: [SCHEDULER, `${REMOTE}           Forward TunnelInfo    Weight ActiveConn InActConn`],
  stats: [counters('Conns', 'InPkts', 'OutPkts', 'InBytes', 'OutBytes'), REMOTE],
  rate: [counters('CPS', 'InPPS', 'OutPPS', 'InBPS', 'OutBPS'), REMOTE],
  thresholds: [columns('Uthreshold', 'Lthreshold', 'ActiveConn', 'InActConn '), REMOTE],
  persistent: [columns('Weight   ', 'PersistConn', 'ActiveConn', 'InActConn '), REMOTE],
}

function serviceLine({ service, stats }: ListedService, view: View, exact: boolean): string {
  const { id, settings } = service
  const name =
    'mark' in id
      ? `FWM  ${id.mark}${id.family === 6 ? ' IPv6' : ''}`
      : `${id.protocol.toUpperCase().padEnd(4)} ${endpoint(id.address, id.port)}`
  if (view === 'stats' || view === 'rate') return `${name.padEnd(33)}${numbers(stats, view, exact)}`
  const words = [name, settings.scheduler]
  const flags = flagText(settings)
  if (flags) words.push(`(${flags})`)
  const kept = settings.persistence
  if (kept) {
    words.push('persistent', `${kept.timeout}`)
    const six = 'mark' in id ? id.family === 6 : id.address.includes(':')
    if (six && kept.granularity !== 128) words.push('mask', `${kept.granularity}`)
    if (!six && kept.granularity !== 32) words.push('mask', maskText(kept.granularity))
    if (kept.engine) words.push('pe', kept.engine)
  }
  if (settings.onePacket) words.push('ops')
  return words.join(' ')
}

function serverLine(listed: KernelServer, view: View, exact: boolean): string {
  const { server, active, inactive, persistent, stats } = listed
  const { settings } = server
  const name = endpoint(server.address, server.port).padEnd(28)
  const wide = (value: number) => `${value}`.padEnd(10)
  const forward = { nat: 'Masq', local: 'Local', tun: 'Tunnel', dr: 'Route' }[settings.forward].padEnd(7)
  const weight = `${settings.weight}`
  const open = `${wide(active)} ${wide(inactive)}`
  switch (view) {
    case 'stats':
    case 'rate':
      return `${name}${numbers(stats, view, exact)}`
    case 'thresholds':
      return `${name} ${wide(settings.upper)} ${wide(settings.lower)} ${open}`
    case 'persistent':
      return `${name} ${weight.padEnd(9)} ${`${persistent}`.padEnd(11)} ${open}`
    case 'tunnels': {
      const tunnel = settings.forward === 'tun' ? tunnelText(settings.tunnel) : 'n/a'
      return `${name} ${forward} ${tunnel.padEnd(13)} ${weight.padEnd(6)} ${open}`
    }
    case 'connections':
      return `${name} ${forward} ${weight.padEnd(6)} ${open}`
  }
}

function tunnelText(tunnel: Tunnel | undefined): string {
  if (!tunnel || tunnel.type === 'ipip') return 'ipip'
  const checksum = { none: '-c', csum: '+c', remcsum: 'r+c' }[tunnel.checksum]
  return tunnel.type === 'gue' ? `gue:${tunnel.port}:${checksum}` : `gre:${checksum}`
}

function numbers(stats: Stats, view: 'stats' | 'rate', exact: boolean): string {
  const values =
    view === 'stats'
      ? [stats.connections, stats.packetsIn, stats.packetsOut, stats.bytesIn, stats.bytesOut]
      : [stats.connectionRate, stats.packetRateIn, stats.packetRateOut, stats.byteRateIn, stats.byteRateOut]
  return values.map(value => (exact ? ` ${`${value}`.padStart(8)}` : largeNumber(value))).join('')
}

/** Nine columns: the number, or thousands, millions ... of it where it would not fit. */
function largeNumber(value: number): string {
  if (value < 1e8) return `${value}`.padStart(9)
  const [unit, divisor] = value < 1e9 ? ['K', 1e3] : value < 1e11 ? ['M', 1e6] : value < 1e14 ? ['G', 1e9] : ['T', 1e12]
  return `${Math.floor(value / divisor)}`.padStart(8) + unit
}
