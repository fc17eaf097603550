import { open } from 'node:fs/promises'
import { addressBytes } from '../../vrrp/address.js'
import { parseConnection } from './ipvs-proc.js'

/** Handshakes that a client left unfinished, of one virtual address and real server, as the kernel has both. */
export type HalfOpen = {
  readonly virtual: { readonly address: string; readonly port: number }
  readonly server: { readonly address: string; readonly port: number }
  readonly count: number
}

/** A connection waits 60 s in this state from its client's last packet on (ip_vs_proto_tcp.c, tcp_timeouts). */
const state = 'SYN_RECV'
const lifetime = 60
/** What is left, in whole seconds, when a client has been silent for one: its handshake is stuck and not merely under way. */
const stuckBelow = lifetime - 1
/** Bytes of one read; of /proc the kernel hands out a page at a time, and the loop turns between two reads. */
const slice = 64 * 1024

/**
 * Counts the connections that are stuck in SYN_RECV in this namespace's IPVS connection table. Looks at no more than
 * `lines` lines. Empty where the kernel has no such table; rejects when it cannot be read.
 * @param own clients that do not count: this director's addresses, for our own probes come from them
 */
export async function readHalfOpen(
  own: Iterable<string>,
  { lines = 100_000, path = '/proc/net/ip_vs_conn' }: { readonly lines?: number; readonly path?: string } = {},
): Promise<readonly HalfOpen[]> {
  const ours = new Set([...own].map(address => Buffer.from(addressBytes(address.replace(/%.*/, ''))).toString('hex')))
  /** By the kernel's own text of virtual address and real server: in a flood there is little else in the table. */
  const found = new Map<string, { line: string; count: number }>()
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return []
  try {
    const buffer = Buffer.allocUnsafe(slice)
    let rest = ''
    let left = lines
    while (left > 0) {
      const { bytesRead } = await file.read(buffer, 0, slice, null)
      if (bytesRead === 0) break
      const text = rest + buffer.toString('latin1', 0, bytesRead)
      let start = 0
      for (let end = text.indexOf('\n'); end >= 0 && left > 0; end = text.indexOf('\n', start)) {
        take(text.slice(start, end))
        start = end + 1
        left--
      }
      rest = text.slice(start)
    }
    return [...found.values()].flatMap(read)
  } finally {
    await file.close()
  }

  function take(line: string): void {
    if (!line.includes(state)) return
    const [, client = '', , ...fields] = line.split(' ')
    if (fields[4] !== state || Number.parseInt(fields.slice(5).join(' '), 10) >= stuckBelow) return
    if (ours.has(client.replaceAll(':', '').toLowerCase())) return
    const key = fields.slice(0, 4).join(' ')
    const known = found.get(key)
    if (known) known.count++
    else found.set(key, { line, count: 1 })
  }
}

function read({ line, count }: { readonly line: string; readonly count: number }): HalfOpen[] {
  const connection = parseConnection(line)
  return connection ? [{ virtual: connection.virtual, server: connection.server, count }] : []
}
