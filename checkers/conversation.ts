import { attempt, type Open } from './attempt.js'
import { excerpt, failed, timedOut } from './errors.js'
import { unforeseen } from './examine.js'
import { createGathered } from './gathered.js'
import type { Dial, Outcome, Stream, StreamEvents, Target } from './ports.js'
import { secureOpen } from './secure.js'
import type { TlsSpec } from './spec.js'

/** A dialogue in sequence: each read waits for what the server owes. */
export interface Conversation {
  send(bytes: Uint8Array | string): void
  /** The next `length` bytes. */
  read(length: number): Promise<Buffer>
  /** Up to the next line feed, without line end; at most `limit` bytes. */
  line(limit?: number): Promise<string>
  /** TLS from here on (STARTTLS). */
  secure(spec: TlsSpec): Promise<void>
}

/** Ends a conversation with this outcome, from wherever it is thrown. */
export class Failed extends Error {
  readonly outcome: Outcome
  constructor(outcome: Outcome) {
    super(outcome.passed ? 'passed' : outcome.reason)
    this.outcome = outcome
  }
}

/** The failure to throw when the server said something that the protocol does not allow here. */
export function badReply(detail: string, answer?: Uint8Array | string): Failed {
  return new Failed(failed('bad-reply', 'L7RSP', detail, answer === undefined ? undefined : excerpt(answer)))
}

/** One attempt that is a conversation. Whatever the server does, it ends with the signal, and holds no more than 1 MiB. */
export function converse(
  open: Open,
  target: Target,
  signal: AbortSignal,
  talk: (conversation: Conversation) => Promise<Outcome>,
): Promise<Outcome> {
  return attempt(open, target, signal, 'fin', (first, settle) => {
    let stream: Stream = first
    const received = createGathered()
    /** Bytes that have been taken from the front. */
    let taken = 0
    const buffered = () => received.bytes().subarray(taken)
    let ended = false
    let waiting: (() => void) | undefined
    let sink: StreamEvents | undefined

    const left = () => received.length() - taken

    /** Takes what `find` says from the front of the buffer, now or when enough is there. */
    function take(find: () => number, limit: number): Promise<Buffer> {
      return new Promise((resolve, reject) => {
        const look = () => {
          const length = find()
          if (length >= 0) {
            waiting = undefined
            const bytes = Buffer.from(buffered().subarray(0, length))
            taken += length
            if (taken === received.length()) {
              received.clear()
              taken = 0
            }
            resolve(bytes)
          } else if (left() > limit) reject(new Failed(failed('too-large', 'L7RSP', undefined, excerpt(buffered()))))
          else if (ended) reject(new Failed(failed('closed', 'L7RSP', 'closed by the server', excerpt(buffered()))))
        }
        waiting = look
        look()
      })
    }

    const conversation: Conversation = {
      send: bytes => stream.send(typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes),
      read: length =>
        length > LIMIT
          ? Promise.reject(badReply(`announces ${length} bytes`))
          : take(() => (left() >= length ? length : -1), LIMIT),
      async line(limit = 4096) {
        const bytes = await take(() => buffered().indexOf(10) + 1 || -1, limit)
        return bytes.toString('latin1').replace(/\r?\n$/, '')
      },
      secure(spec) {
        // Plain bytes behind the go-ahead would be taken as if they came under TLS (CVE-2011-0411).
        if (left() > 0) return Promise.reject(badReply('bytes before the handshake', buffered()))
        return new Promise((resolve, reject) => {
          const lower: Dial = (_, events) => {
            sink = events
            queueMicrotask(events.connected)
            return first
          }
          stream = secureOpen(spec, lower)(target, {
            handshaking() {},
            connected: resolve,
            data: receive,
            ended: over,
            failed: (errno, text) => reject(new Failed(failed('tls', 'L6RSP', text ?? errno))),
            rejected: outcome => reject(new Failed(outcome)),
            warned() {},
          })
        })
      },
    }

    function receive(chunk: Buffer) {
      received.add(chunk)
      received.keep()
      if (received.length() > LIMIT) settle(failed('too-large', 'L7RSP', undefined, excerpt(buffered())))
      else waiting?.()
    }

    function over() {
      ended = true
      waiting?.()
    }

    return {
      connected() {
        talk(conversation).then(settle, error => {
          if (error instanceof Failed) settle(error.outcome)
          else settle(unforeseen(error))
        })
      },
      data: chunk => (sink ? sink.data(chunk) : receive(chunk)),
      ended: () => (sink ? sink.ended() : over()),
      late: () => timedOut('L7', undefined, excerpt(buffered())),
    }
  })
}

const LIMIT = 2 ** 20
