import type { Server, Service, Tunnel } from './table.js'

/** Whether two services of one key are configured alike; what the kernel fills in by itself does not count. */
export function sameService({ settings: a }: Service, { settings: b }: Service): boolean {
  return (
    a.scheduler === b.scheduler &&
    a.onePacket === b.onePacket &&
    a.flags.length === b.flags.length &&
    a.flags.every(flag => b.flags.includes(flag)) &&
    a.persistence?.timeout === b.persistence?.timeout &&
    a.persistence?.granularity === b.persistence?.granularity &&
    a.persistence?.engine === b.persistence?.engine
  )
}

/** Whether two real servers of one key are configured alike. */
export function sameServer({ settings: a }: Server, { settings: b }: Server): boolean {
  return (
    a.weight === b.weight &&
    a.forward === b.forward &&
    a.upper === b.upper &&
    a.lower === b.lower &&
    (a.forward !== 'tun' || tunnelText(a.tunnel) === tunnelText(b.tunnel))
  )
}

/** No tunnel named means ipip, as in the kernel. */
function tunnelText(tunnel: Tunnel | undefined): string {
  if (!tunnel || tunnel.type === 'ipip') return 'ipip'
  return tunnel.type === 'gue' ? `gue ${tunnel.port} ${tunnel.checksum}` : `gre ${tunnel.checksum}`
}
