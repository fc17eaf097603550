import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { addressText } from '../ipvs/address.js'
import type { FastServer, FastTable } from '../ipvs/ports.js'
import { endpoint, type Forward } from '../ipvs/table.js'

/**
 * Reads /proc/net/ip_vs of this network namespace, again and again. What a service's lines said is kept until they say
 * something else, and is the same object until then. Empty when the module is not there. Each read is synchronous: the
 * kernel hands out one page at a time, and a trip through the thread pool for each costs more than the read. In between
 * the loop turns: tens of thousands of real servers must not hold it up.
 */
export function fastReader(path = '/proc/net/ip_vs', { slice = SLICE } = {}): () => Promise<FastTable> {
  const buffer = Buffer.allocUnsafe(64 * 1024)
  let before = nothingRead
  return async () => {
    const parser = blockParser(before)
    const file = openIfThere(path)
    try {
      for (let began = performance.now(); file !== undefined; ) {
        const read = readSync(file, buffer, 0, buffer.length, null)
        if (read === 0) break
        parser.add(buffer.toString('latin1', 0, read))
        if (performance.now() - began < slice) continue
        await new Promise(resolve => setImmediate(resolve))
        began = performance.now()
      }
    } finally {
      if (file !== undefined) closeSync(file)
    }
    before = parser.end()
    return before.table
  }
}

/** How long one turn of the loop reads and parses, ms. */
const SLICE = 5

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
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
  const parser = blockParser(nothingRead)
  parser.add(text)
  return parser.end().table
}

type Block = { readonly key: string; readonly scheduler: string; readonly servers: ReadonlyMap<string, FastServer> }
/**
 * A service by its very lines. Those that were read first are kept: the same text of each second would live as long as the next read, and
 * of tens of thousands of real servers the collector would move megabytes for nothing.
 */
type Lines = { readonly lines: string; readonly block: Block | undefined }
type Read = { readonly table: FastTable; readonly all: readonly Lines[]; readonly byLines: ReadonlyMap<string, Lines> }
const nothingRead: Read = { table: new Map(), all: [], byLines: new Map() }

/** Takes the text in pieces; what was known by the same lines is not parsed again, and where all of it is the same, so is the answer. */
function blockParser(before: Read) {
  const all: Lines[] = []
  /** The lines of a service that the next piece may go on with. */
  let rest = ''

  function take(lines: string): void {
    all.push(before.byLines.get(lines) ?? { lines, block: parseBlock(lines) })
  }

  function read(): Read {
    if (all.length === before.all.length && all.every((one, at) => one === before.all[at])) return before
    const table = new Map<string, Block>()
    for (const { block } of all) {
      const other = block && table.get(block.key)
      if (block) table.set(block.key, other ? joined(other, block) : block)
    }
    return { table, all, byLines: new Map(all.map(one => [one.lines, one])) }
  }

  return {
    add(piece: string): void {
      const text = rest + piece
      let start = 0
      // What was left over is one service's, up to its last newline at least.
      for (let end = endOfBlock(text, Math.max(0, rest.length - 1)); end < text.length; end = endOfBlock(text, start)) {
        take(text.slice(start, end))
        start = end
      }
      rest = text.slice(start)
    },
    end(): Read {
      if (rest !== '') take(rest)
      return read()
    },
  }
}

/** A service's line and the lines of its real servers, which are indented. */
function endOfBlock(text: string, start: number): number {
  for (let at = start; ; ) {
    const newline = text.indexOf('\n', at)
    if (newline < 0) return text.length
    at = newline + 1
    if (text.charCodeAt(at) !== 0x20) return at
  }
}

/** Both families of a firewall mark: the kernel prints them alike. */
function joined(one: Block, other: Block): Block {
  const servers = new Map(one.servers)
  for (const [key, server] of other.servers) {
    // Through tunnels one real server may serve both: its connections are those of both.
    const same = servers.get(key)
    const { weight, active, inactive } = server
    servers.set(
      key,
      same
        ? {
            forward: same.forward,
            weight: Math.max(same.weight, weight),
            active: same.active + active,
            inactive: same.inactive + inactive,
          }
        : server,
    )
  }
  return { key: one.key, scheduler: '', servers }
}

/** Endpoint, forwarding, weight, active and inactive connections. */
const SERVER = /^ {2}-> ([[\]0-9A-Fa-f:]+) +([A-Za-z]+) +(\d+) +(\d+) +(\d+)/gm

function parseBlock(text: string): Block | undefined {
  const service = serviceOf(text.slice(0, text.indexOf('\n')))
  if (!service) return undefined
  const servers = new Map<string, FastServer>()
  SERVER.lastIndex = 0
  for (let found = SERVER.exec(text); found; found = SERVER.exec(text)) {
    const [, hex = '', word = '', weight, active, inactive] = found
    const key = endpointOf(hex)
    const forward = FORWARDS[word]
    if (key === undefined || !forward) continue
    servers.set(key, { forward, weight: Number(weight), active: Number(active), inactive: Number(inactive) })
  }
  return { ...service, servers }
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
  // A copy: the slice would keep the whole text that it was cut from.
  known.set(Buffer.from(hex, 'latin1').toString('latin1'), text)
  return text
}

/** `0A090015`, `[fd00:0009:...:0015]` or the same without brackets. */
function addressOf(hex: string): string | undefined {
  if (/^[0-9A-F]{8}$/i.test(hex)) {
    const all = Number.parseInt(hex, 16)
    return `${all >>> 24}.${(all >>> 16) & 255}.${(all >>> 8) & 255}.${all & 255}`
  }
  const groups = hex.replace(/^\[|\]$/g, '').replaceAll(':', '')
  return /^[0-9a-f]{32}$/i.test(groups) ? addressText(Buffer.from(groups, 'hex')) : undefined
}
