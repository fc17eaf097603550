import type { ServiceIdConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { ServiceFile } from '../schema/service.js'
import { family } from '../schema/values.js'
import { parseEndpoint } from './endpoint.js'

/** Every address, port and protocol, or mark and family, that a virtual server stands for. */
export function serviceIds(path: Path, service: ServiceFile, report: Reporter): ServiceIdConfig[] {
  if ((service.address === undefined) === (service.mark === undefined)) {
    const message =
      service.address === undefined ? 'a virtual server needs an address, or a mark' : 'address and mark: one of them'
    report.error('address-or-mark', path, message, { suggestion: 'address: 10.9.0.100:80', at: 'key' })
    return []
  }
  if (service.mark !== undefined) {
    for (const key of ['ports', 'protocol'] as const)
      if (service[key] !== undefined)
        report.error(
          'mark-with',
          [...path, key],
          `${key} is for services with an address: a mark stands for every packet that carries it`,
          { at: 'key' },
        )
    const kind = markFamily(service)
    return service.mark.map(mark => ({ mark, family: kind }))
  }
  if (service.family !== undefined)
    report.error('mark-with', [...path, 'family'], 'family is for services with a mark', { at: 'key' })
  const ports = service.ports?.flatMap((given, index) => portRange([...path, 'ports', index], given, report))
  return (service.address ?? []).flatMap((text, index) => {
    const endpoint = parseEndpoint(text)
    const at = [...path, 'address', index]
    if (endpoint === undefined) {
      report.error(
        'bad-endpoint',
        at,
        `address: expected an address with a port such as 10.9.0.100:80 or [fd00:9::100]:80, found ${JSON.stringify(text)}`,
      )
      return []
    }
    if (endpoint.port !== undefined && ports !== undefined) {
      report.error('port-and-ports', at, `${text} has a port, and there is ports`, {
        suggestion: 'write the port in one of the two places',
      })
      return []
    }
    const own = endpoint.port === undefined ? ports : [endpoint.port]
    if (own === undefined) {
      report.error('port-missing', at, `${text} has no port`, {
        suggestion: `write ${text.includes(':') ? `[${text}]` : text}:80, or :0 for all ports (with persistence)`,
      })
      return []
    }
    return endpoint.addresses.flatMap(address =>
      own.flatMap(port => (service.protocol ?? ['tcp']).map(protocol => ({ protocol, address, port }))),
    )
  })
}

function markFamily(service: ServiceFile): 4 | 6 {
  if (service.family === 4 || service.family === 6) return service.family
  const [first] = service.real_servers ?? []
  const text = typeof first === 'string' ? first : first?.address
  const address = text === undefined ? undefined : parseEndpoint(text)?.addresses[0]
  return address === undefined ? 4 : family(address)
}

function portRange(path: Path, given: number | string, report: Reporter): number[] {
  if (typeof given === 'number') return [given]
  const [, from, to] = /^([1-9]\d{0,4})-([1-9]\d{0,4})$/.exec(given) ?? []
  const [low, high] = [Number(from), Number(to)]
  if (!(low <= high && high <= 65_535 && high - low < 4096)) {
    report.error(
      'bad-port',
      path,
      `ports: expected a port or a range such as 8000-8010, found ${JSON.stringify(given)}`,
    )
    return []
  }
  return Array.from({ length: high - low + 1 }, (_, index) => low + index)
}
