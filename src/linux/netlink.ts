// Not the package's main file: that loads the tables of nl80211 and others, too.
import { RawNetlinkSocket } from 'netlink/dist/raw.js'
import { parseMessages } from 'netlink/dist/structs.js'
import { errnoName, KernelError } from './errno.js'

/** One netlink message without its header: `type` and payload (family header and attributes, host byte order). */
export type Request = {
  readonly type: number
  /** NLM_F_REPLACE and the like; NLM_F_REQUEST and NLM_F_ACK are added here. */
  readonly flags?: number
  readonly data: Buffer
  /** What is asked, for the text of a refusal: `add 10.9.0.100/32 to eth0`. */
  readonly what: string
}

export type Reply = { readonly type: number; readonly data: Buffer }

export type Netlink = {
  /** Resolves when the kernel has acknowledged it; rejects with a KernelError. */
  request(request: Request): Promise<void>
  /** The one object that it describes (RTM_GETLINK of one interface and the like); rejects with a KernelError. */
  ask(request: Request): Promise<Reply | undefined>
  /** Sends without waiting; each refusal goes to `refused`. All of them leave in one sendmsg. */
  post(requests: readonly Request[], refused: (error: KernelError) => void): void
  /** All objects that the kernel lists (NLM_F_DUMP). `each` sees them as they arrive, in their place among the notifications. */
  dump(request: Request, each?: (reply: Reply) => void): Promise<readonly Reply[]>
  close(): void
}

export type Notifications = {
  /** Multicast groups (rtnetlink_groups, enum): 1 links, 5 and 9 addresses ... */
  readonly groups: readonly number[]
  readonly notify: (reply: Reply) => void
  /** The kernel had to drop notifications: read everything again. Called again where that rejects, until it does not. */
  readonly overrun: () => Promise<unknown>
  /** How many were dropped since the socket was made. */
  readonly drops: (port: number) => () => number
}

/** NETLINK_ROUTE of linux/netlink.h. */
const route = 0
const header = 16
/** Between two tries to read everything after a flood, ms. */
const retry = 100
const message = { error: 2, done: 3 } as const
/** Flags of linux/netlink.h. */
export const flag = { request: 0x1, ack: 0x4, dump: 0x300 } as const

/** Messages of one sendmsg. The kernel answers them in order and acknowledges the last: then those without a refusal were done. */
type Batch = {
  readonly requests: ReadonlyMap<number, string>
  readonly replies: Reply[]
  readonly each: ((reply: Reply) => void) | undefined
  readonly refused: KernelError[]
  readonly last: number
  readonly done: (batch: Batch) => void
}

/**
 * A rtnetlink socket (netlink(7), rtnetlink(7)): requests in the order of the calls, any number in flight, answers by sequence
 * number, refusals as KernelError. With `notifications` it also listens to multicast groups.
 */
export function openNetlink(notifications?: Notifications): Netlink {
  const socket = new RawNetlinkSocket(route, { recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 })
  const waiting = new Map<number, Batch>()
  const own = socket.address().port
  const drops = notifications?.drops(own)
  let dropped = drops?.() ?? 0
  let sequence = 0
  let closed = false
  let dumping: Promise<unknown> = Promise.resolve()

  socket.on('message', bytes => {
    try {
      take(bytes)
    } catch (error) {
      // Thrown through the package's native callback it would end the process without a word.
      setImmediate(() => {
        throw error
      })
    }
  })
  socket.on('error', error => {
    for (const batch of new Set(waiting.values())) fail(batch, error.code)
  })
  for (const group of notifications?.groups ?? []) socket.addMembership(group)

  function take(bytes: Buffer) {
    for (const { type, seq, port, data } of parseMessages(bytes)) {
      // Notifications carry the port and sequence number of whoever caused them.
      const batch = port === own ? waiting.get(seq) : undefined
      if (batch) answer(seq, batch, { type, data })
      else if (type > message.done) notifications?.notify({ type, data })
    }
    const now = drops?.() ?? 0
    if (now !== dropped) readAgain()
    dropped = now
  }

  /** In the midst of a flood the kernel may refuse the list as well (ENOBUFS): what is known must not stay old for that. */
  function readAgain(): void {
    notifications?.overrun().catch(() => {
      if (!closed) setTimeout(readAgain, retry).unref()
    })
  }

  return {
    request: request => settle(send([request], flag.ack)).then(() => {}),
    post(requests, refused) {
      if (requests.length > 0) void send(requests, flag.ack).then(batch => batch.refused.forEach(refused))
    },
    ask: request => settle(send([request], flag.ack)).then(([reply]) => reply),
    dump(request, each) {
      // The kernel has one dump per socket under way and refuses a second one: EBUSY (netlink(7), netlink_dump_start).
      const listed = dumping.then(() => settle(send([request], flag.dump, each)))
      dumping = listed.catch(() => {})
      return listed
    },
    close() {
      if (closed) return
      closed = true
      socket.close()
      for (const batch of new Set(waiting.values())) fail(batch, 'ECANCELED')
    },
  }

  /** In this turn of the loop, unless the socket's buffer is full. Resolves when all are answered; refusals are in the result. */
  function send(requests: readonly Request[], extra: number, each?: Batch['each']): Promise<Batch> {
    return new Promise(done => {
      const names = new Map<number, string>()
      const frames = requests.map((request, index) => {
        sequence = (sequence % 0x7fffffff) + 1
        names.set(sequence, request.what)
        return frame(request, flag.request | (index === requests.length - 1 ? extra : 0), sequence)
      })
      const batch: Batch = { requests: names, replies: [], each, refused: [], last: sequence, done }
      if (closed) return fail(batch, 'EBADF')
      for (const number of names.keys()) waiting.set(number, batch)
      socket.send(Buffer.concat(frames), {}, error => error && fail(batch, error.code))
    })
  }

  function answer(seq: number, batch: Batch, reply: Reply) {
    if (reply.type !== message.error && reply.type !== message.done) {
      batch.replies.push(reply)
      batch.each?.(reply)
      return
    }
    const errno = reply.data.length >= 4 ? -reply.data.readInt32LE(0) : 0
    if (errno > 0) batch.refused.push(new KernelError(batch.requests.get(seq) ?? '', errnoName(errno)))
    if (seq === batch.last) end(batch)
  }

  function fail(batch: Batch, code: string) {
    for (const what of batch.requests.values()) batch.refused.push(new KernelError(what, code))
    end(batch)
  }

  function end(batch: Batch) {
    for (const number of batch.requests.keys()) waiting.delete(number)
    batch.done(batch)
  }
}

async function settle(sent: Promise<Batch>): Promise<readonly Reply[]> {
  const { refused, replies } = await sent
  if (refused[0]) throw refused[0]
  return replies
}

/** The message with its header (struct nlmsghdr). */
export function frame({ type, flags = 0, data }: Request, extra: number, seq: number): Buffer {
  const length = header + data.length
  const bytes = Buffer.alloc((length + 3) & ~3)
  bytes.writeUInt32LE(length, 0)
  bytes.writeUInt16LE(type, 4)
  bytes.writeUInt16LE(flags | extra, 6)
  bytes.writeUInt32LE(seq, 8)
  data.copy(bytes, header)
  return bytes
}
