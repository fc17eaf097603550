import { endpointHost } from './endpoint.js'
import type { Target } from './ports.js'
import type { Auth, HttpSpec } from './spec.js'

type Request = Pick<HttpSpec, 'version' | 'method' | 'path' | 'host' | 'headers' | 'body' | 'auth' | 'tls'>

/** What a check asks, as header fields in order of sending, without Host. Names as the operator wrote them. */
export function requestHeaders({
  headers,
  auth,
  body,
}: Pick<Request, 'headers' | 'auth' | 'body'>): [string, string][] {
  const own: [string, string][] = [
    ['User-Agent', 'lvskeeper'],
    ['Accept', '*/*'],
  ]
  if (auth) own.push(['Authorization', authorization(auth)])
  if (body !== undefined) own.push(['Content-Length', String(Buffer.byteLength(body))])
  const given = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'host')
  const names = new Set(given.map(([name]) => name.toLowerCase()))
  return [...own.filter(([name]) => !names.has(name.toLowerCase())), ...given]
}

/** The Host field: as given, else the target's address, with its port unless it is the scheme's own. */
export function hostOf({ host, headers, tls }: Pick<Request, 'host' | 'headers' | 'tls'>, target: Target): string {
  if (host !== undefined) return host
  const given = Object.entries(headers).find(([name]) => name.toLowerCase() === 'host')?.[1]
  return given ?? endpointHost(target, tls ? 443 : 80)
}

/** An HTTP/1.x request with `Connection: close`, ready for the wire (RFC 9112 3). */
export function encodeRequest(spec: Request, target: Target): Buffer {
  const version = spec.version === '1.0' ? '1.0' : '1.1'
  const fields = [['Host', hostOf(spec, target)], ...requestHeaders(spec), ['Connection', 'close']]
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return Buffer.from(`${spec.method} ${spec.path} HTTP/${version}\r\n${head}\r\n${spec.body ?? ''}`, 'utf8')
}

function authorization(auth: Auth): string {
  if ('bearer' in auth) return `Bearer ${auth.bearer}`
  return `Basic ${Buffer.from(`${auth.basic.user}:${auth.basic.password}`, 'utf8').toString('base64')}`
}
