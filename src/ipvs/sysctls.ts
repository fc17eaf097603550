import { familyOf } from './address.js'
import type { VirtualServerInput } from './inputs.js'

/** A kernel setting that a feature needs. Names as in sysctl(8): a dot inside an interface name is a slash. */
export type NeededSysctl = {
  readonly name: string
  readonly value: string
  readonly why: string
  /** It would do harm where nothing needs it any more, so it goes back then. All others stay until `lvskeeper stop --clear`. */
  readonly brief?: true
}

export type SysctlFeatures = {
  readonly services: readonly Pick<VirtualServerInput, 'ids' | 'settings' | 'servers' | 'sorry' | 'name'>[]
  /** Interfaces that carry clients or real servers: redirects are sent per interface. */
  readonly interfaces: readonly string[]
  /** A sync daemon runs, or `mh` spreads alike on both directors. */
  readonly sync: boolean
  /** The firewall tracks (or rewrites, SNAT) what is balanced. */
  readonly conntrack: boolean
}

/** What these virtual servers need of the kernel, each once; written before the first operation on the table. */
export function neededSysctls(features: SysctlFeatures): NeededSysctl[] {
  const { services, interfaces } = features
  const needed = new Map<string, NeededSysctl>()
  const need = (name: string, value: number, why: string) => {
    if (!needed.has(name)) needed.set(name, { name, value: `${value}`, why })
  }

  const nat = new Set(
    services.flatMap(({ servers, sorry }) =>
      [...servers, ...(sorry ? [sorry] : [])]
        .filter(server => server.settings.forward === 'nat')
        .map(server => familyOf(server.address)),
    ),
  )
  if (nat.has(4)) {
    need('net.ipv4.ip_forward', 1, 'nat: the answers of the real servers pass through the director')
    // Forwarding turns them on, and a redirect would send a real server in the same network past the director. The
    // kernel sends them where either the one for all or the interface's own says so.
    for (const name of ['all', 'default', ...interfaces])
      need(
        `net.ipv4.conf.${spelled(name)}.send_redirects`,
        0,
        'nat: real servers must go on answering through the director',
      )
  }
  if (nat.has(6))
    need('net.ipv6.conf.all.forwarding', 1, 'nat: the answers of the real servers pass through the director')

  if (services.length > 0) {
    need('net.ipv4.vs.expire_nodest_conn', 1, 'connections to a removed real server end at once instead of hanging')
    need(
      'net.ipv4.vs.expire_quiescent_template',
      1,
      'persistent clients of a real server with weight 0 get another one',
    )
  }
  const spread = services.filter(({ settings }) => settings.scheduler === 'mh')
  if (features.sync || spread.length > 0) {
    const why = 'a connection that another director began goes on here'
    if (has(services, 'tcp')) need('net.ipv4.vs.sloppy_tcp', 1, why)
    if (has(services, 'sctp')) need('net.ipv4.vs.sloppy_sctp', 1, why)
  }
  if (features.conntrack) need('net.ipv4.vs.conntrack', 1, 'the firewall sees balanced connections as connections')
  return [...needed.values()]
}

function has(services: SysctlFeatures['services'], protocol: 'tcp' | 'sctp'): boolean {
  return services.some(({ ids }) => ids.some(id => 'mark' in id || id.protocol === protocol))
}

function spelled(name: string): string {
  return name.replaceAll('.', '/')
}
