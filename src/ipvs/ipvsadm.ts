import type { Op } from './plan.js'
import {
  endpoint,
  type SchedulerFlag,
  type Server,
  type Service,
  type ServiceId,
  type Table,
  type Tunnel,
} from './table.js'

/** The operation as the ipvsadm command that does the same, in one line for people: of many commands the first few. */
export function ipvsadmLine(op: Op): string {
  const lines = ipvsadmLines(op)
  const more = lines.length - FEW
  return [...lines.slice(0, FEW), ...(more > 0 ? [`... (${more} more)`] : [])].join(' && ')
}

const FEW = 4

/** The operation as the ipvsadm commands that do the same. */
export function ipvsadmLines(op: Op): string[] {
  switch (op.op) {
    case 'add-service':
      return [`ipvsadm ${serviceRule(op.service)}`]
    case 'edit-service':
      return [`ipvsadm ${serviceRule(op.service, '-E')}`]
    case 'remove-service':
      return [`ipvsadm -D ${serviceName(op.service.id)}`]
    case 'add-server':
      return [`ipvsadm ${serverRule(op.service, op.server)}`]
    case 'edit-server':
      return op.again ? outAndBack(op.service, op.server) : [`ipvsadm ${serverRule(op.service, op.server, '-e')}`]
    case 'remove-server':
      return [removal(op.service, op.server)]
    case 'order-servers':
      return op.servers.flatMap(server => outAndBack(op.service, server))
  }
}

function outAndBack(service: Service, server: Server): string[] {
  return [removal(service, server), `ipvsadm ${serverRule(service, server)}`]
}

function removal({ id }: Service, { address, port }: Server): string {
  return `ipvsadm -d ${serviceName(id)} -r ${endpoint(address, port)}`
}

/**
 * The table as `ipvsadm -Sn` prints it (and `ipvsadm -R` reads it), one rule per line, in the table's order. ipvsadm
 * itself leaves the connection thresholds out; `thresholds` puts them in, which it reads as well.
 */
export function save(table: Table, thresholds = false): string[] {
  return [...table.values()].flatMap(({ service, servers }) => [
    serviceRule(service),
    ...[...servers.values()].map(server => serverRule(service, server, '-a', thresholds)),
  ])
}

/** `-t 10.9.0.100:80`, `--sctp-service [fd00::1]:5060`, `-f 7 -6`. */
export function serviceName(id: ServiceId): string {
  if ('mark' in id) return `-f ${id.mark}${id.family === 6 ? ' -6' : ''}`
  const option = { tcp: '-t', udp: '-u', sctp: '--sctp-service' }[id.protocol]
  return `${option} ${endpoint(id.address, id.port)}`
}

export function serviceRule({ id, settings }: Service, command = '-A'): string {
  const { persistence } = settings
  const six = 'mark' in id ? id.family === 6 : id.address.includes(':')
  const words = [command, serviceName(id), '-s', settings.scheduler]
  if (persistence) {
    words.push('-p', `${persistence.timeout}`)
    if (six && persistence.granularity !== 128) words.push('-M', `${persistence.granularity}`)
    if (!six && persistence.granularity !== 32) words.push('-M', maskText(persistence.granularity))
    if (persistence.engine) words.push('--pe', persistence.engine)
  }
  if (settings.onePacket) words.push('-o')
  const named = flagText(settings)
  if (named) words.push('-b', named)
  return words.join(' ')
}

export function serverRule({ id }: Service, server: Server, command = '-a', thresholds = true): string {
  const { settings } = server
  const method = { nat: '-m', dr: '-g', tun: '-i', local: '-l' }[settings.forward]
  const where = endpoint(server.address, server.port)
  const words = [command, serviceName(id), '-r', where, method, '-w', `${settings.weight}`]
  if (thresholds && settings.upper) words.push('-x', `${settings.upper}`)
  if (thresholds && settings.lower) words.push('-y', `${settings.lower}`)
  if (settings.forward === 'tun') words.push(...tunnelWords(settings.tunnel))
  return words.join(' ')
}

function tunnelWords(tunnel: Tunnel | undefined): string[] {
  if (!tunnel || tunnel.type === 'ipip') return ['--tun-type', 'ipip']
  const checksum = { none: '--tun-nocsum', csum: '--tun-csum', remcsum: '--tun-remcsum' }[tunnel.checksum]
  const port = tunnel.type === 'gue' ? ['--tun-port', `${tunnel.port}`] : []
  return ['--tun-type', tunnel.type, ...port, checksum]
}

/** In ipvsadm's order; it names no third flag of sh and mh, which have none. */
export function flagText({ flags }: Service['settings']): string {
  const order: readonly SchedulerFlag[] = [
    'sh-fallback',
    'sh-port',
    'mh-fallback',
    'mh-port',
    'flag-1',
    'flag-2',
    'flag-3',
  ]
  const named = order.filter(flag => flags.includes(flag))
  return named.filter(flag => flag !== 'flag-3' || named.every(one => one.startsWith('flag'))).join(',')
}

/** A prefix length as a dotted mask. */
export function maskText(prefix: number): string {
  return [0, 8, 16, 24].map(shift => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - shift)))).join('.')
}
