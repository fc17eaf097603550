import { isIP } from 'node:net'

/** One real server as a source names it; `port` 0: the port of each service id. */
export type Found = {
  readonly address: string
  readonly port: number
  readonly weight?: number
  /** Added to the tier that the file gives to the source. */
  readonly tier?: number
}

/**
 * A list of real servers in JSON: addresses with or without a port, `{ address, port, weight }`, or the target groups
 * of Prometheus (file_sd: `[{ "targets": ["10.9.0.21:80"], "labels": { "weight": "2" } }]`). A text that does not begin
 * like JSON is one address per line, `#` begins a comment, a second word is the weight. Throws what a person can mend.
 */
export function parseServers(text: string, file: string, port: number): Found[] {
  const trimmed = text.trim()
  if (trimmed.startsWith('[') || trimmed.startsWith('{')) return list(JSON.parse(trimmed) as unknown, file, port)
  return trimmed.split('\n').flatMap(line => {
    const [words = ''] = line.split('#')
    const [endpoint, weight] = words.trim().split(/\s+/)
    if (!endpoint) return []
    return [{ ...place(endpoint, file, port), ...weighted(weight, file) }]
  })
}

function list(value: unknown, file: string, port: number): Found[] {
  if (!Array.isArray(value)) throw new Error(`${file}: expected a list of real servers`)
  return value.flatMap((one): Found[] => {
    if (typeof one === 'string') return [place(one, file, port)]
    if (!isRecord(one)) throw new Error(`${file}: expected an address, found ${JSON.stringify(one)}`)
    const { targets, labels, address, weight } = one
    if (Array.isArray(targets)) {
      const share = isRecord(labels) ? labels['weight'] : undefined
      return targets.map(target => ({ ...place(String(target), file, port), ...weighted(share, file) }))
    }
    const own = typeof one['port'] === 'number' ? one['port'] : port
    return [{ ...place(String(address), file, own), ...weighted(weight, file) }]
  })
}

function place(endpoint: string, file: string, port: number): Found {
  const [, bracketed, plain, own] =
    /^(?:\[([^\]]+)\]|([^:]+|[^[\]]*:[^[\]]*:[^[\]]*))(?::(\d{1,5}))?$/.exec(endpoint) ?? []
  const address = bracketed ?? plain ?? ''
  const number = own === undefined ? port : Number(own)
  if (isIP(address) === 0 || number > 65_535)
    throw new Error(
      `${file}: expected an address such as 10.9.0.21 or 10.9.0.21:8080, found ${JSON.stringify(endpoint)}`,
    )
  return { address, port: number }
}

function weighted(value: unknown, file: string): { readonly weight?: number } {
  if (value === undefined) return {}
  const weight = Number(value)
  if (!Number.isInteger(weight) || weight < 0 || weight > 2_147_483_647)
    throw new Error(`${file}: expected a weight, found ${JSON.stringify(value)}`)
  return { weight }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
