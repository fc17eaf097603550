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
  /** All in one sendmsg, in this turn of the loop. Resolves when each is acknowledged, or rejects with the first refusal when all are answered. */
  batch(requests: readonly Request[]): Promise<void>
  /** The one object that it describes (RTM_GETLINK of one interface and the like); rejects with a KernelError. */
  ask(request: Request): Promise<Reply | undefined>
  /** Sends without waiting; a refusal goes to `refused`. All of them leave in one sendmsg. */
  post(requests: readonly Request[], refused: (error: KernelError) => void): void
  /** All objects that the kernel lists (NLM_F_DUMP). */
  dump(request: Request): Promise<readonly Reply[]>
  close(): void
}

export type Notifications = {
  /** Multicast groups (rtnetlink_groups, enum): 1 links, 5 and 9 addresses ... */
  readonly groups: readonly number[]
  readonly notify: (reply: Reply) => void
  /** The kernel had to drop notifications (ENOBUFS): read everything again. */
  readonly overrun: () => void
}

/** NETLINK_ROUTE of linux/netlink.h. */
const route = 0
const header = 16
const message = { error: 2, done: 3 } as const
const flag = { request: 0x1, ack: 0x4, dump: 0x300 } as const

type Waiting = { what: string; replies: Reply[]; done: (error?: KernelError) => void; dump: boolean }

/**
 * A rtnetlink socket (netlink(7), rtnetlink(7)): requests in the order of the calls, any number in flight, answers by sequence
 * number, refusals as KernelError. With `notifications` it also listens to multicast groups.
 */
export function openNetlink(notifications?: Notifications): Netlink {
  const socket = new RawNetlinkSocket(route, { recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 })
  const waiting = new Map<number, Waiting>()
  let sequence = 0
  let closed = false
  const own = socket.address().port

  socket.on('message', bytes => {
    for (const { type, seq, port, data } of parseMessages(bytes)) {
      // Notifications carry the port and sequence number of whoever caused them.
      const asked = port === own ? waiting.get(seq) : undefined
      if (asked) answer(seq, asked, { type, data })
      else if (type > message.done) notifications?.notify({ type, data })
    }
  })
  socket.on('error', error => {
    if (error.code === 'ENOBUFS') notifications?.overrun()
  })
  for (const group of notifications?.groups ?? []) socket.addMembership(group)

  return {
    request: request =>
      new Promise((resolve, reject) => {
        send([request], flag.ack, false, error => (error ? reject(error) : resolve()))
      }),
    post(requests, refused) {
      if (requests.length > 0) send(requests, flag.ack, false, error => error && refused(error))
    },
    batch: requests =>
      new Promise((resolve, reject) => {
        let left = requests.length
        let first: KernelError | undefined
        if (left === 0) return resolve()
        send(requests, flag.ack, false, error => {
          first ??= error
          if (--left > 0) return
          if (first) reject(first)
          else resolve()
        })
      }),
    ask: request =>
      new Promise((resolve, reject) => {
        const replies = send([request], flag.ack, true, error => (error ? reject(error) : resolve(replies[0])))
      }),
    dump: request =>
      new Promise((resolve, reject) => {
        const replies = send([request], flag.dump, true, error => (error ? reject(error) : resolve(replies)))
      }),
    close() {
      if (closed) return
      closed = true
      socket.close()
      for (const { what, done } of waiting.values()) done(new KernelError(what, 'ECANCELED'))
      waiting.clear()
    },
  }

  function send(
    requests: readonly Request[],
    extra: number,
    dump: boolean,
    done: (error?: KernelError) => void,
  ): Reply[] {
    const replies: Reply[] = []
    if (closed) {
      for (const { what } of requests) done(new KernelError(what, 'EBADF'))
      return replies
    }
    const numbers: number[] = []
    const bytes = Buffer.concat(
      requests.map(request => {
        sequence = (sequence % 0x7fffffff) + 1
        numbers.push(sequence)
        waiting.set(sequence, { what: request.what, replies, done, dump })
        return frame(request, flag.request | extra, sequence)
      }),
    )
    socket.send(bytes, {}, error => {
      if (!error) return
      for (const number of numbers) {
        const lost = waiting.get(number)
        waiting.delete(number)
        lost?.done(new KernelError(lost.what, error.code))
      }
    })
    return replies
  }

  function answer(seq: number, asked: Waiting, reply: Reply) {
    if (reply.type === message.error || reply.type === message.done) {
      waiting.delete(seq)
      const errno = reply.data.length >= 4 ? -reply.data.readInt32LE(0) : 0
      asked.done(errno > 0 ? new KernelError(asked.what, errnoName(errno)) : undefined)
    } else if (asked.dump) asked.replies.push(reply)
  }
}

function frame({ type, flags = 0, data }: Request, extra: number, seq: number): Buffer {
  const length = header + data.length
  const bytes = Buffer.alloc((length + 3) & ~3)
  bytes.writeUInt32LE(length, 0)
  bytes.writeUInt16LE(type, 4)
  bytes.writeUInt16LE(flags | extra, 6)
  bytes.writeUInt32LE(seq, 8)
  data.copy(bytes, header)
  return bytes
}
