import { getSystemErrorName } from 'node:util'
// The package's entry would load every family that it knows; the raw socket is all this needs.
import { RawNetlinkSocket } from 'netlink/dist/raw.js'
import { type AttributeWriter, attributeWriter, get16, get32, numberOf, readAttributes } from './ipvs-attributes.js'

/** One message to a generic netlink family: its command, and what writes its attributes. */
export type GenlRequest = { readonly command: number; readonly put?: (out: AttributeWriter) => void }

/** Name of the errno that the kernel answered (`ENOENT`, ...); undefined: done. */
export type GenlResult = string | undefined

/** A generic netlink socket bound to one family. Its calls queue up: one exchange with the kernel at a time. */
export interface Genl {
  /**
   * Sends requests many at a time, only the last of each datagram asking for an acknowledgement; the kernel answers
   * errors all the same, by sequence number. Never rejects for a refused request. When the kernel's answers were
   * lost (receive buffer full) the whole datagram counts as ENOBUFS: some of it may have been done.
   */
  batch(requests: readonly GenlRequest[]): Promise<GenlResult[]>
  /** The same for `count` messages that `fill` writes itself, as many thousands are written fastest. */
  bulk(count: number, fill: GenlFill): Promise<GenlResult[]>
  /** All answers to one request (NLM_F_DUMP unless `one`), without the generic netlink header. Rejects with a GenlError. */
  ask(request: GenlRequest, how?: 'dump' | 'one'): Promise<Buffer[]>
  close(): void
}

/** A datagram in the making. Messages follow each other without padding: all are multiples of 4 bytes. */
export type Datagram = {
  readonly bytes: Buffer
  /** The first bytes of each message, struct nlmsghdr and struct genlmsghdr: length, number and command are missing. */
  readonly head: Buffer
  /** The number (nlmsg_seq) of its first message; the next has one more. */
  readonly seq: number
  /** No message may begin behind this. */
  readonly limit: number
  readonly most: number
  length: number
  count: number
  /** Where the newest message begins. */
  latest: number
}

/** Writes messages into the datagram, those from number `from` of the whole job on, until it is full or all are in. */
export type GenlFill = (datagram: Datagram, from: number) => void

/** The kernel refused; `code` is the errno's name. */
export class GenlError extends Error {
  readonly code: string
  constructor(code: string, text: string) {
    super(text)
    this.code = code
    this.name = 'GenlError'
  }
}

const NETLINK_GENERIC = 16
const GENL_ID_CTRL = 0x10
const CTRL_CMD_GETFAMILY = 3
const CTRL_ATTR = { FAMILY_ID: 1, FAMILY_NAME: 2 } as const
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const NLMSG_OVERRUN = 4
const NLM_F = { REQUEST: 1, MULTI: 2, ACK: 4, DUMP: 0x300 } as const
const HEADER = 16
const GENL_HEADER = 4
/** Offsets in struct nlmsghdr and, behind it, struct genlmsghdr. */
const FLAGS = 6
const SEQ = 8
const COMMAND = 16
/** Below the kernel's default send buffer (net.core.wmem_max); one datagram is one block of work in the kernel. */
const BATCH_BYTES = 128 * 1024
const BATCH_MESSAGES = 1000
/** Longer than any message of ours: the last one may begin just before the limit. */
const LONGEST_MESSAGE = 4 * 1024
/** What one refusal takes of the receive buffer at most: the request is in it, and the kernel's own bookkeeping. */
const REFUSAL_BYTES = 1280
/** The kernel never makes a dump's datagram larger. */
const RECEIVE = 32 * 1024
/** Netlink answers at once; only a lost answer lets this pass. */
const PATIENCE = 10_000

/** Opens a socket and looks up the family. Rejects with GenlError ENOENT when the kernel has no such family (yet). */
export async function openGenl(family: string, version: number): Promise<Genl> {
  const link = openLink()
  try {
    const put = (out: AttributeWriter) => out.text(CTRL_ATTR.FAMILY_NAME, family)
    const [answer] = await link.ask(GENL_ID_CTRL, 1, { command: CTRL_CMD_GETFAMILY, put }, 'one')
    const id = answer && numberOf(readAttributes(answer).get(CTRL_ATTR.FAMILY_ID))
    if (!id) throw new GenlError('EPROTO', `generic netlink family ${family} has no number`)
    return {
      batch: requests => link.bulk(id, version, requests.length, fillWith(requests)),
      bulk: (count, fill) => link.bulk(id, version, count, fill),
      ask: (request, how = 'dump') => link.ask(id, version, request, how),
      close: link.close,
    }
  } catch (error) {
    link.close()
    throw error
  }
}

/** Where the answers of the exchange under way go: told each message; undefined: the socket failed. */
type Exchange = (message: Message | undefined, failure?: string) => void
type Message = { readonly type: number; readonly flags: number; readonly seq: number; readonly data: Buffer }

function openLink() {
  const socket = new RawNetlinkSocket(NETLINK_GENERIC, {
    messagePeeking: false,
    msgBufferSize: RECEIVE,
    recvBufferSize: 4 * 1024 * 1024,
    sendBufferSize: 1024 * 1024,
  })
  const { port } = socket.address()
  // If the kernel refused every message of a datagram, all the refusals would still fit.
  const most = Math.max(1, Math.min(BATCH_MESSAGES, Math.floor(socket.getRecvBufferSize() / REFUSAL_BYTES)))
  // One exchange at a time: one buffer serves them all.
  const out = attributeWriter()
  let bytes: Buffer | undefined
  let sequence = 1
  let current: Exchange | undefined
  let queue: Promise<unknown> = Promise.resolve()
  let closed = false
  // Idle, it keeps no process alive.
  socket.unref()
  socket.on('message', data => {
    for (const message of messages(data)) current?.(message)
  })
  socket.on('truncatedMessage', () => current?.(undefined, 'EMSGSIZE'))
  socket.on('error', error => current?.(undefined, error.code))

  /** One exchange after the other; `run` gets the number of its first message. */
  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = queue.then(() => {
      if (closed) throw new GenlError('EBADF', 'the netlink socket is closed')
      return run()
    })
    queue = turn.catch(() => {})
    return turn
  }

  function exchange<T>(
    datagram: Buffer,
    receive: (message: Message, done: (value: T) => void, fail: (error: GenlError) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        current = undefined
        if (!closed) socket.unref()
        settle()
      }
      const fail = (error: GenlError) => finish(() => reject(error))
      const timer = setTimeout(() => fail(new GenlError('ETIMEDOUT', 'the kernel did not answer')), PATIENCE)
      current = (message, failure) => {
        if (message) receive(message, value => finish(() => resolve(value)), fail)
        else fail(new GenlError(failure ?? 'EIO', `netlink: ${failure}`))
      }
      socket.ref()
      socket.send(datagram, undefined, error => {
        if (error) fail(new GenlError(error.code, error.message))
      })
    })
  }

  function take(count: number): number {
    if (sequence + count > 0xffffffff) sequence = 1
    const first = sequence
    sequence += count
    return first
  }

  /** Sends what one datagram takes of the messages from `from` on; how many those were. */
  async function sendSome(head: Buffer, fill: GenlFill, from: number, results: GenlResult[]): Promise<number> {
    const first = take(most)
    bytes ??= Buffer.alloc(BATCH_BYTES + LONGEST_MESSAGE)
    const datagram = { bytes, head, seq: first, limit: BATCH_BYTES, most, length: 0, count: 0, latest: 0 }
    fill(datagram, from)
    const last = first + datagram.count - 1
    bytes.set(ackFlags, datagram.latest + FLAGS)
    try {
      await exchange<void>(bytes.subarray(0, datagram.length), ({ type, seq, data }, done) => {
        if (type !== NLMSG_ERROR || seq < first || seq > last) return
        results[from + seq - first] = errno(data)
        if (seq === last) done()
      })
    } catch (error) {
      results.fill(error instanceof GenlError ? error.code : 'EIO', from, from + datagram.count)
    }
    return datagram.count
  }

  return {
    async bulk(id: number, version: number, count: number, fill: GenlFill): Promise<GenlResult[]> {
      const results: GenlResult[] = new Array(count).fill(undefined)
      const head = headerOf(id, version, NLM_F.REQUEST, port)
      for (let from = 0; from < count; ) from += await inTurn(() => sendSome(head, fill, from, results))
      return results
    },
    ask(id: number, version: number, request: GenlRequest, how: 'dump' | 'one'): Promise<Buffer[]> {
      return inTurn(() => {
        const wanted = take(1)
        const flags = NLM_F.REQUEST | (how === 'dump' ? NLM_F.DUMP : 0)
        const answers: Buffer[] = []
        out.reset()
        writeMessage(out, headerOf(id, version, flags, port), request, wanted)
        return exchange<Buffer[]>(out.view(), ({ type, flags, seq, data }, done, fail) => {
          if (seq !== wanted) return
          const code = type === NLMSG_ERROR || type === NLMSG_DONE ? errno(data) : undefined
          if (code) fail(new GenlError(code, `the kernel answered ${code}`))
          else if (type === NLMSG_DONE || type === NLMSG_ERROR) done(answers)
          else if (type === NLMSG_OVERRUN) fail(new GenlError('ENOBUFS', 'netlink: data lost'))
          else {
            answers.push(data.subarray(GENL_HEADER))
            if (!(flags & NLM_F.MULTI)) done(answers)
          }
        })
      })
    },
    close() {
      if (closed) return
      closed = true
      current?.(undefined, 'EBADF')
      socket.close()
    },
  }
}

/** Everything in struct nlmsghdr and struct genlmsghdr that is the same for all messages of a datagram. */
function headerOf(type: number, version: number, flags: number, port: number): Buffer {
  const out = attributeWriter()
  out.reserve(HEADER + GENL_HEADER)
  out.patch16(4, type)
  out.patch16(FLAGS, flags)
  out.patch32(12, port)
  out.patch8(17, version)
  return out.done()
}

/** nlmsg_flags of a message that the kernel shall acknowledge, in the byte order of this machine. */
const ackFlags = new Uint8Array(Uint16Array.of(NLM_F.REQUEST | NLM_F.ACK).buffer)

/** The plain way: one request after the other. */
function fillWith(requests: readonly GenlRequest[]): GenlFill {
  const out = attributeWriter()
  return (datagram, from) => {
    for (let i = from; i < requests.length && !isFull(datagram); i++) {
      const request = requests[i]
      if (request) putMessage(datagram, out, request)
    }
  }
}

export const isFull = ({ length, limit, count, most }: Datagram): boolean => length > limit || count >= most

/** Adds one message to the datagram; `out` is a writer to work with. */
export function putMessage(datagram: Datagram, out: AttributeWriter, request: GenlRequest): void {
  out.reset()
  writeMessage(out, datagram.head, request, datagram.seq + datagram.count)
  datagram.bytes.set(out.view(), datagram.length)
  datagram.latest = datagram.length
  datagram.length += out.size()
  datagram.count++
}

/** Header, then attributes, which are whole multiples of 4 bytes. */
function writeMessage(out: AttributeWriter, head: Buffer, request: GenlRequest, seq: number): void {
  out.copy(head)
  request.put?.(out)
  out.patch32(0, out.size())
  out.patch32(SEQ, seq)
  out.patch8(COMMAND, request.command)
}

function messages(datagram: Buffer): Message[] {
  const found: Message[] = []
  for (let offset = 0; offset + HEADER <= datagram.length; ) {
    const length = get32(datagram, offset)
    if (length < HEADER || offset + length > datagram.length) break
    found.push({
      type: get16(datagram, offset + 4),
      flags: get16(datagram, offset + 6),
      seq: get32(datagram, offset + 8),
      data: datagram.subarray(offset + HEADER, offset + length),
    })
    offset += (length + 3) & ~3
  }
  return found
}

/** The negative errno at the start of NLMSG_ERROR and NLMSG_DONE. */
function errno(data: Buffer): string | undefined {
  const value = data.length >= 4 ? get32(data, 0) | 0 : 0
  return value < 0 ? getSystemErrorName(value) : undefined
}
