import type { CheckConfig } from '../check-config.js'
import type { ServiceIdConfig } from '../config.js'
import type { Path } from '../problem.js'
import type { ServiceFile } from '../schema/service.js'
import type { Resolved } from './checks.js'
import type { Forward } from './forwarding.js'
import { pathMark } from './marks.js'
import type { Common } from './real-servers.js'

const portless = new Set(['icmp', 'arp', 'exec', 'file', 'push'])

/** The checks of one real server: where they go is settled here. */
export function place(
  path: Path,
  address: string,
  port: number,
  forward: Forward,
  resolved: readonly Resolved[],
  common: Common,
): readonly CheckConfig[] {
  const { ids, service, report } = common
  const [first] = ids
  const fallback = first !== undefined && 'port' in first ? first.port : 0
  const plain = resolved.every(
    ({ clientPath, config }) =>
      clientPath === undefined && (config.port !== undefined || port > 0 || portless.has(config.probe.kind)),
  )
  if (plain) return cached(resolved)
  return resolved.map(({ config, clientPath }) => {
    const asked = config.port ?? (port > 0 ? port : fallback)
    if (asked === 0 && first !== undefined && !portless.has(config.probe.kind)) {
      report.error('check-port', path, `the check ${config.name} has no port to go to`, {
        suggestion: 'say it in the check: { port: 80, ... }',
      })
      return config
    }
    const placed = portless.has(config.probe.kind) || port > 0 ? config : { ...config, port: asked }
    if (clientPath === undefined) return placed
    return clientCheck(path, address, forward, placed, clientPath, common, first, service)
  })
}

const lists = new WeakMap<readonly Resolved[], readonly CheckConfig[]>()

/** One list for all real servers that share it: 37,000 servers need not hold 37,000 lists. */
function cached(resolved: readonly Resolved[]): readonly CheckConfig[] {
  let list = lists.get(resolved)
  if (list === undefined) {
    list = resolved.map(({ config }) => config)
    lists.set(resolved, list)
  }
  return list
}

function clientCheck(
  path: Path,
  address: string,
  forward: Forward,
  config: CheckConfig,
  from: 'peers' | 'all',
  { marks, report, name }: Common,
  id: ServiceIdConfig | undefined,
  service: ServiceFile,
): CheckConfig {
  if (forward === 'nat' || service.mark !== undefined || id === undefined || 'mark' in id) {
    report.error('client-path-forward', path, `client_path needs a VIP and forward: dr or tun (${name})`)
    return config
  }
  if (config.probe.kind !== 'tcp' && config.probe.kind !== 'tls' && config.probe.kind !== 'http') return config
  const mark = pathMark(`${id.address} ${id.port} ${id.protocol} ${address}`, marks)
  const probe = {
    kind: 'client-path' as const,
    vip: id.address,
    vport: config.port ?? id.port,
    mark,
    inner: config.probe,
    from,
  }
  return { ...config, key: `${config.key}-${mark.toString(16)}`, probe }
}
