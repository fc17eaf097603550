import { failed, failureOf, timedOut } from './errors.js'
import { examine, guarded, unexamined, unforeseen } from './examine.js'
import { onAbort } from './on-abort.js'
import type { DialOptions, Outcome, Stream, StreamEvents, Target } from './ports.js'

/** What a stream under TLS has to say besides. */
export type LayeredEvents = StreamEvents & {
  /** TCP is connected, the handshake begins. */
  readonly handshaking: () => void
  /** The handshake or the certificate failed. */
  readonly rejected: (outcome: Outcome) => void
  /** Passes, but somebody should look. */
  readonly warned: (warning: string) => void
}

/** Opens a stream, plain (every Dial is one) or under TLS. */
export type Open = (target: Target, events: LayeredEvents, options?: DialOptions) => Stream

/** What the conversation of one attempt does with its stream; it ends the attempt with `settle`. */
export type Talk = {
  readonly connected?: () => void
  readonly data?: (chunk: Buffer) => void
  /** The peer closed. Default: a failure `closed`. */
  readonly ended?: () => void
  /** The connection broke. Default: that is the outcome. */
  readonly broken?: (outcome: Outcome) => void
  /** Time is up after the connect (and the handshake): what to say. */
  readonly late?: () => Outcome
}

/**
 * One attempt over one stream: opens it, lets `talk` speak, and settles exactly once: by the talk, by an error, or by
 * the signal. The descriptor is closed when the promise settles.
 */
export function attempt(
  open: Open,
  target: Target,
  signal: AbortSignal,
  close: 'fin' | 'reset',
  begin: (
    stream: Stream,
    settle: (outcome: Outcome) => void,
    /** Everything is there: closes the stream and judges in a turn of its own, which may be long. */
    weigh: (judge: () => Outcome) => void,
  ) => Talk,
): Promise<Outcome> {
  return new Promise(resolve => {
    let settled = false
    let weighing = false
    let forget = () => {}
    let layer: 'L4' | 'L6' | 'L7' = 'L4'
    let warning: string | undefined
    const settle = (outcome: Outcome) => {
      if (settled) return
      settled = true
      forget()
      stream.close(close)
      resolve(outcome.passed && warning !== undefined ? { ...outcome, warning } : outcome)
    }
    const weigh = (judge: () => Outcome) => {
      if (settled || weighing) return
      weighing = true
      stream.close(close)
      examine(() => {
        if (!settled) settle(guarded(judge))
      })
    }
    const late = () => settle(weighing ? unexamined : layer === 'L7' && talk.late ? talk.late() : slow[layer])
    /** Whatever a server sends, and nobody foresaw: it ends this attempt, not the process. */
    const heard = (act: () => void) => {
      try {
        act()
      } catch (error) {
        settle(unforeseen(error))
      }
    }
    const stream = open(target, {
      handshaking() {
        layer = 'L6'
      },
      connected() {
        layer = 'L7'
        heard(() => talk.connected?.())
      },
      data: chunk => heard(() => talk.data?.(chunk)),
      ended() {
        if (layer === 'L7' && talk.ended) heard(talk.ended)
        else settle(failed('closed', layer === 'L6' ? 'L6RSP' : 'L7RSP', 'closed by the server'))
      },
      failed(errno, text) {
        const outcome = atLayer(failureOf(errno, text), layer)
        if (layer === 'L7' && talk.broken) talk.broken(outcome)
        else settle(outcome)
      },
      rejected: settle,
      warned(text) {
        warning = text
      },
    })
    const talk = begin(stream, settle, weigh)
    if (signal.aborted) late()
    else if (!settled) forget = onAbort(signal, late)
  })
}

const slow = { L4: timedOut('L4'), L6: timedOut('L6'), L7: timedOut('L7') } as const

/** A reset in the middle of a handshake or a conversation is an answer of the service, not of the host. */
function atLayer(failure: ReturnType<typeof failureOf>, layer: 'L4' | 'L6' | 'L7'): Outcome {
  if (failure.layer !== 'L4CON' || layer === 'L4') return failure
  return { ...failure, layer: `${layer}RSP` }
}
