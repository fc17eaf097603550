import type { Op } from './plan.js'
import { endpoint, type Server, type Service, type ServiceId, type Table, type Tunnel } from './table.js'

/** The operation as the ipvsadm command that does the same. */
export function ipvsadmLine(op: Op): string {
  switch (op.op) {
    case 'add-service':
      return `ipvsadm ${serviceRule(op.service)}`
    case 'edit-service':
      return `ipvsadm ${serviceRule(op.service, '-E')}`
    case 'remove-service':
      return `ipvsadm -D ${serviceName(op.service.id)}`
    case 'add-server':
      return `ipvsadm ${serverRule(op.service, op.server)}`
    case 'edit-server':
      return `ipvsadm ${serverRule(op.service, op.server, '-e')}`
    case 'remove-server':
      return `ipvsadm -d ${serviceName(op.service.id)} -r ${endpoint(op.server.address, op.server.port)}`
  }
}

/** The table as `ipvsadm -Sn` prints it (and `ipvsadm -R` reads it), one rule per line, in the table's order. */
export function save(table: Table): string[] {
  return [...table.values()].flatMap(({ service, servers }) => [
    serviceRule(service),
    ...[...servers.values()].map(server => serverRule(service, server)),
  ])
}

/** `-t 10.9.0.100:80`, `--sctp-service [fd00::1]:5060`, `-f 7 -6`. */
export function serviceName(id: ServiceId): string {
  if ('mark' in id) return `-f ${id.mark}${id.family === 6 ? ' -6' : ''}`
  const option = { tcp: '-t', udp: '-u', sctp: '--sctp-service' }[id.protocol]
  return `${option} ${endpoint(id.address, id.port)}`
}

export function serviceRule({ id, settings }: Service, command = '-A'): string {
  const { persistence, flags } = settings
  const six = 'mark' in id ? id.family === 6 : id.address.includes(':')
  const words = [command, serviceName(id), '-s', settings.scheduler]
  if (persistence) {
    words.push('-p', `${persistence.timeout}`)
    if (six && persistence.granularity !== 128) words.push('-M', `${persistence.granularity}`)
    if (!six && persistence.granularity !== 32) words.push('-M', maskText(persistence.granularity))
    if (persistence.engine) words.push('--pe', persistence.engine)
  }
  if (settings.onePacket) words.push('-o')
  if (flags.length > 0) words.push('-b', flags.join(','))
  return words.join(' ')
}

export function serverRule({ id }: Service, server: Server, command = '-a'): string {
  const { settings } = server
  const method = { nat: '-m', dr: '-g', tun: '-i', local: '-l' }[settings.forward]
  const where = endpoint(server.address, server.port)
  const words = [command, serviceName(id), '-r', where, method, '-w', `${settings.weight}`]
  if (settings.upper) words.push('-x', `${settings.upper}`)
  if (settings.lower) words.push('-y', `${settings.lower}`)
  if (settings.forward === 'tun') words.push(...tunnelWords(settings.tunnel))
  return words.join(' ')
}

function tunnelWords(tunnel: Tunnel | undefined): string[] {
  if (!tunnel || tunnel.type === 'ipip') return []
  const checksum = { none: '--tun-nocsum', csum: '--tun-csum', remcsum: '--tun-remcsum' }[tunnel.checksum]
  const port = tunnel.type === 'gue' ? ['--tun-port', `${tunnel.port}`] : []
  return ['--tun-type', tunnel.type, ...port, checksum]
}

/** A prefix length as a dotted mask. */
export function maskText(prefix: number): string {
  return [0, 8, 16, 24].map(shift => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - shift)))).join('.')
}
