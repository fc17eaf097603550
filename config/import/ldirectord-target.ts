import type { Report } from './finding.js'
import { isAddress } from './keepalived-values.js'
import { type Setting, servicePorts } from './ldirectord-parse.js'

/** A word of the virtual itself, else of the top of the file. */
export type Lookup = (key: string) => Setting | undefined

export function find(settings: readonly Setting[], key: string): Setting | undefined {
  return settings.findLast(setting => setting.key === key)
}

export type Target = {
  readonly key: string
  readonly name: string
  readonly address?: string
  readonly host: string
  readonly port: number
  readonly mark?: number
  readonly protocol: 'tcp' | 'udp'
}

export function targetOf(head: Setting, settings: Lookup, report: Report): Target | undefined {
  const { value } = head
  const protocol =
    settings('protocol')?.value === 'udp' ||
    (/:(53|domain|dns|1812|radius|5060|sip)$/.test(value) && settings('protocol') === undefined)
      ? 'udp'
      : 'tcp'
  if (/^\d+$/.test(value)) {
    const mark = Number(value)
    if (mark > 0 && mark <= 4_294_967_295)
      return { key: `mark ${mark}`, name: `mark-${mark}`, mark, host: value, port: 0, protocol }
  }
  const point = pointOf(value)
  if (point && isAddress(point.host))
    return {
      key: `${protocol} ${point.host} ${point.port}`,
      name: `${protocol}-${point.host}-${point.port}`,
      address: endpoint(point.host, point.port),
      host: point.host,
      port: point.port,
      protocol,
    }
  report(
    head,
    'lost',
    'virtual-by-name',
    'ldirectord looks this name up when it starts.',
    'Write the address: lvskeeper takes no names for virtual servers.',
  )
  return undefined
}

/** `10.9.0.100:80`, `[fd00:9::100]:http`, `backend1:http`; port 0 where none is written. */
export function pointOf(text: string): { host: string; port: number } | undefined {
  const [, bracketed, plainHost, portText = '0'] = /^(?:\[([^\]]+)\]|([^:\s]+))(?::([\w-]+))?$/.exec(text) ?? []
  const host = bracketed ?? plainHost
  const port = /^\d+$/.test(portText) ? Number(portText) : servicePorts[portText]
  return host === undefined || port === undefined || port > 65_535 ? undefined : { host, port }
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export function wholeOf(setting: Setting | undefined, report: Report): number | undefined {
  if (!setting) return undefined
  const value = Number(setting.value)
  if (Number.isInteger(value) && value >= 1 && value <= 86_400) return value
  report(setting, 'trap', 'bad-value', 'ldirectord wants a whole number above 0 here.', 'The YAML has its default.')
  return undefined
}

export function unquote(text: string | undefined): string | undefined {
  return text?.replace(/^"(.*)"$/, '$1').replace(/^'(.*)'$/, '$1')
}

export function familyOf({ address }: Target): 4 | 6 | undefined {
  return address === undefined ? undefined : address.startsWith('[') ? 6 : 4
}
