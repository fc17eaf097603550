import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { addressText } from '../ipvs/address.js'
import type { FastServer, FastTable } from '../ipvs/ports.js'
import { endpoint, type Forward } from '../ipvs/table.js'

/** Reads /proc/net/ip_vs of this network namespace. Empty when the module is not there. */
export async function readFastTable(path = '/proc/net/ip_vs'): Promise<FastTable> {
  try {
    return parseFastTable(await readFile(path, 'latin1'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map()
    throw error
  }
}

/**
 * The text of /proc/net/ip_vs (net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_info_seq_show):
 *
 *   TCP  0A090064:0050 wrr persistent 300 FFFFFFFF
 *     -> 0A090015:0050      Route   1      0          0
 *   FWM  00000007 rr
 *     -> [fd00:0009::0015]:0050      Tunnel  1      0          0
 *
 * Lines that make no sense are skipped.
 */
export function parseFastTable(text: string): FastTable {
  const table = new Map<string, { scheduler: string; servers: Map<string, FastServer> }>()
  let servers: Map<string, FastServer> | undefined
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    if (text.startsWith('  -> ', start)) {
      const line = text.slice(start + 5, end)
      const space = line.indexOf(' ')
      const key = endpointOf(line.slice(0, space))
      const server = key === undefined ? undefined : serverOf(line.slice(space))
      if (key !== undefined && server) servers?.set(key, server)
    } else {
      const found = serviceOf(text.slice(start, end))
      const known = found && table.get(found.key)
      if (found) {
        servers = known?.servers ?? new Map<string, FastServer>()
        table.set(found.key, { scheduler: known ? '' : found.scheduler, servers })
      }
    }
    start = end + 1
  }
  return table
}

/** A line of /proc/net/ip_vs_conn. Times in seconds. */
export type Connection = {
  readonly protocol: string
  readonly client: { readonly address: string; readonly port: number }
  readonly virtual: { readonly address: string; readonly port: number }
  readonly server: { readonly address: string; readonly port: number }
  readonly state: string
  readonly expires: number
  readonly engine?: string
  readonly engineData?: string
}

/** The connection table line by line: there may be hundreds of thousands. Nothing when the module is not there. */
export async function* readConnections(path = '/proc/net/ip_vs_conn'): AsyncGenerator<Connection> {
  const stream = createReadStream(path, { encoding: 'latin1', highWaterMark: 256 * 1024 })
  try {
    for await (const line of createInterface({ input: stream })) {
      const connection = parseConnection(line)
      if (connection) yield connection
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  } finally {
    stream.destroy()
  }
}

/** `TCP 0A090001 C350 0A090064 0050 0A090015 0050 ESTABLISHED     899 [sip data]`; IPv6 without colons' brackets. */
export function parseConnection(line: string): Connection | undefined {
  const [protocol, ...fields] = line.trim().split(/\s+/)
  const [client, clientPort, virtual, virtualPort, server, serverPort, state, expires, engine, ...data] = fields
  if (!protocol || !state || expires === undefined) return undefined
  const ends = [
    [client, clientPort],
    [virtual, virtualPort],
    [server, serverPort],
  ].map(([address, port]) => {
    const text = address === undefined ? undefined : addressOf(address)
    return text === undefined || port === undefined || !/^[0-9A-F]{4}$/i.test(port)
      ? undefined
      : { address: text, port: Number.parseInt(port, 16) }
  })
  const [from, to, via] = ends
  if (!from || !to || !via) return undefined
  return {
    protocol,
    client: from,
    virtual: to,
    server: via,
    state,
    expires: Number(expires),
    ...(engine ? { engine, engineData: data.join(' ') } : {}),
  }
}

const PROTOCOLS: Readonly<Record<string, string>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' }

function serviceOf(line: string): { key: string; scheduler: string } | undefined {
  const [kind, where, scheduler] = line.split(/ +/, 3)
  if (!kind || !where || !scheduler) return undefined
  if (kind === 'FWM') {
    const mark = Number.parseInt(where, 16)
    return Number.isNaN(mark) ? undefined : { key: `mark ${mark}`, scheduler }
  }
  const protocol = PROTOCOLS[kind]
  const at = protocol && endpointOf(where)
  return at ? { key: `${protocol} ${at}`, scheduler } : undefined
}

const FORWARDS: Readonly<Record<string, Forward>> = { Masq: 'nat', Local: 'local', Tunnel: 'tun', Route: 'dr' }

function serverOf(rest: string): FastServer | undefined {
  const [, word, weight, active, inactive] = rest.split(/ +/)
  const forward = word === undefined ? undefined : FORWARDS[word]
  if (!forward || inactive === undefined) return undefined
  return { forward, weight: Number(weight), active: Number(active), inactive: Number(inactive) }
}

/** Endpoints repeat from second to second: their text is made once. Bounded, since tables change. */
const known = new Map<string, string>()

function endpointOf(hex: string): string | undefined {
  const found = known.get(hex)
  if (found !== undefined) return found
  const colon = hex.lastIndexOf(':')
  const address = colon < 0 ? undefined : addressOf(hex.slice(0, colon))
  const port = Number.parseInt(hex.slice(colon + 1), 16)
  if (address === undefined || Number.isNaN(port)) return undefined
  const text = endpoint(address, port)
  if (known.size > 200_000) known.clear()
  known.set(hex, text)
  return text
}

/** `0A090015`, `[fd00:0009:...:0015]` or the same without brackets. */
function addressOf(hex: string): string | undefined {
  if (/^[0-9A-F]{8}$/i.test(hex)) return addressText(Buffer.from(hex, 'hex'))
  const groups = hex.replace(/^\[|\]$/g, '').replaceAll(':', '')
  return /^[0-9a-f]{32}$/i.test(groups) ? addressText(Buffer.from(groups, 'hex')) : undefined
}
