import type { RealServerConfig, ServerSource, ServiceConfig, ServiceIdConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { File } from '../schema/file.js'
import type { ServiceFile } from '../schema/service.js'
import { family } from '../schema/values.js'
import type { Checks } from './checks.js'
import { defined } from './defined.js'
import { type Common, realServer, sorryServer, source } from './real-servers.js'
import { serviceIds } from './service-ids.js'

/** Every virtual server with its real servers and their checks. */
export function services(file: File, checks: Checks, report: Reporter): ServiceConfig[] {
  const marks = new Set<number>(Object.values(file.virtual_servers ?? {}).flatMap(service => service.mark ?? []))
  return Object.entries(file.virtual_servers ?? {}).map(([name, service]) => {
    const path: Path = ['virtual_servers', name]
    const ids = serviceIds(path, service, report)
    const use = checks.use(path, service)
    if (
      use === undefined &&
      service.real_servers !== undefined &&
      service.real_servers.some(
        server => typeof server === 'string' || (server.check === undefined && server.checks === undefined),
      )
    )
      report.warn('no-check', path, `${name} checks nothing: real servers that are gone stay in the table`, {
        suggestion: 'check: { tcp: {} }, or check: none to keep it so',
        at: 'key',
      })
    const common: Common = {
      name,
      path,
      ids,
      service,
      use: use ?? { checks: [], require: 'all' },
      checks,
      marks,
      report,
    }
    const realServers: RealServerConfig[] = []
    const seen = new Set<string>()
    const sources: ServerSource[] = []
    for (const [index, given] of (service.real_servers ?? []).entries()) {
      const at = [...path, 'real_servers', index]
      const server = typeof given === 'string' ? { address: given } : given
      if (server.dns !== undefined || server.file !== undefined) {
        for (const found of source(at, server, common)) {
          const key = found.kind === 'dns' ? `dns ${found.name} ${found.record} ${found.port}` : `file ${found.path}`
          if (seen.has(key))
            report.error(
              'duplicate-real-server',
              at,
              `${found.kind === 'dns' ? found.name : found.path} stands twice in ${name}`,
            )
          seen.add(key)
          sources.push(found)
        }
      } else {
        for (const found of realServer(at, server, common)) {
          const { address, port } = found
          if (seen.has(`${address} ${port}`))
            report.error(
              'duplicate-real-server',
              at,
              `${address}${port === 0 ? '' : ` port ${port}`} stands twice in ${name}`,
            )
          seen.add(`${address} ${port}`)
          realServers.push(found)
        }
      }
    }
    if (service.real_servers === undefined || service.real_servers.length === 0)
      report.warn('no-real-servers', path, `${name} has no real servers`, { at: 'key' })
    return {
      name,
      ids,
      settings: settings(service, ids),
      start: service.start ?? 'check',
      onDown: service.on_down ?? 'remove',
      quorum: service.quorum ?? 1,
      hysteresis: service.hysteresis ?? 0,
      slowStart: service.slow_start ?? 0,
      tierMinimum: service.tier_minimum ?? 1,
      realServers,
      sources,
      ...defined({ sorryServer: sorryServer([...path, 'sorry_server'], common) }),
    }
  })
}

function settings(service: ServiceFile, ids: readonly ServiceIdConfig[]): ServiceConfig['settings'] {
  const given = typeof service.persistence === 'number' ? { timeout: service.persistence } : service.persistence
  const [first] = ids
  const whole = first !== undefined && ('mark' in first ? first.family : family(first.address)) === 6 ? 128 : 32
  return {
    scheduler: service.scheduler ?? 'wlc',
    flags: service.scheduler_flags ?? [],
    onePacket: service.one_packet ?? false,
    ...(given === undefined
      ? {}
      : {
          persistence: {
            timeout: Math.round(given.timeout / 1000),
            granularity: ('netmask' in given ? given.netmask : undefined) ?? whole,
            ...defined({ engine: 'engine' in given ? given.engine : undefined }),
          },
        }),
  }
}
