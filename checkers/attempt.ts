import { failed, failureOf } from './errors.js'
import type { Dial, Outcome, Stream, Target } from './ports.js'

/** What the conversation of one attempt does with its stream; it ends the attempt with `settle`. */
export type Talk = {
  readonly connected?: () => void
  readonly data?: (chunk: Buffer) => void
  /** The peer closed. Default: a failure `closed`. */
  readonly ended?: () => void
  /** Time is up: what to say. */
  readonly late: () => Outcome
}

/**
 * One attempt over one stream: opens it, lets `talk` speak, and settles exactly once: by the talk, by an error, or by
 * the signal. The descriptor is closed when the promise settles.
 */
export function attempt(
  dial: Dial,
  target: Target,
  signal: AbortSignal,
  close: 'fin' | 'reset',
  begin: (stream: Stream, settle: (outcome: Outcome) => void) => Talk,
): Promise<Outcome> {
  return new Promise(resolve => {
    let settled = false
    let open = false
    const settle = (outcome: Outcome) => {
      if (settled) return
      settled = true
      signal.removeEventListener('abort', late)
      stream.close(close)
      resolve(outcome)
    }
    const late = () => settle(talk.late())
    const stream: Stream = dial(target, {
      connected: () => {
        open = true
        talk.connected?.()
      },
      data: chunk => talk.data?.(chunk),
      ended: () => (talk.ended ? talk.ended() : settle(failed('closed', 'L7RSP', 'closed by the server'))),
      failed: (errno, text) => settle(open ? whileTalking(failureOf(errno, text)) : failureOf(errno, text)),
    })
    const talk = begin(stream, settle)
    if (signal.aborted) late()
    else signal.addEventListener('abort', late)
  })
}

/** A reset in the middle of a conversation is an answer of the service, not of the host. */
function whileTalking(failure: ReturnType<typeof failureOf>): Outcome {
  return failure.layer === 'L4CON' ? { ...failure, layer: 'L7RSP' } : failure
}
