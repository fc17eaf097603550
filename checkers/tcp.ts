import { attempt, type Open } from './attempt.js'
import { bytesOf, type Matcher, matcherOf } from './bytes.js'
import { excerpt, failed, timedOut } from './errors.js'
import { examine, unexamined } from './examine.js'
import { createGathered } from './gathered.js'
import type { Outcome, Probe } from './ports.js'
import { proxyHeader } from './proxy-header.js'
import type { Step, TcpSpec } from './spec.js'

const reached: Outcome = { passed: true, layer: 'L4OK' }
const answered: Outcome = { passed: true, layer: 'L7OK' }

/** A TCP connect; then, if there are steps, a conversation. Passes when the last step is done. */
export function tcpProbe(
  spec: Pick<TcpSpec, 'steps' | 'proxy' | 'close' | 'maxBytes'>,
  open: Open,
  connected: Outcome = reached,
): Probe {
  const steps = spec.steps.map(compile)
  const header = proxyHeader(spec.proxy)
  const close = spec.close ?? 'fin'
  const limit = spec.maxBytes ?? 16_384

  return (target, signal) =>
    attempt(open, target, signal, close, (stream, settle) => {
      let at = 0
      const received = createGathered()
      /** Bytes that this step has looked at, in vain. */
      let seen = 0
      /** Nothing more comes: what that means, if what came is not enough. */
      let over: (() => Outcome) | undefined
      /** A pattern waits for its turn. */
      let waits = false

      function advance() {
        if (waits) return
        for (; at < steps.length; next()) {
          const step = steps[at]
          // What came before a send is no answer to it; one answer may satisfy several expectations.
          if (step?.send) {
            stream.send(step.send)
            received.clear()
          } else if (step?.expect) {
            if (step.expect.costly && received.length() > seen) return look(step.expect)
            if (step.expect.costly || !step.expect.matches(received.bytes(), seen)) return inVain()
          }
        }
        settle(steps.length === 0 ? connected : answered)
      }

      function next() {
        at++
        seen = 0
      }

      /** In its turn; what comes meanwhile is looked at after it, all at once. */
      function look({ matches }: Matcher) {
        waits = true
        received.keep()
        examine(() => {
          waits = false
          if (signal.aborted) return
          const length = received.length()
          if (matches(received.bytes())) next()
          else seen = length
          advance()
        })
      }

      function inVain() {
        seen = received.length()
        received.keep()
        if (over) settle(over())
        else if (seen > limit) settle(failed('too-large', 'L7RSP', step(), answer()))
      }

      return {
        connected() {
          if (header) stream.send(header)
          advance()
        },
        data(chunk) {
          // A pattern is searched in what there is: beyond the limit nothing more is taken.
          if (received.length() <= limit) received.add(chunk)
          if (waits) received.keep()
          advance()
        },
        ended: () => end(() => failed(seen > 0 ? 'bad-reply' : 'closed', 'L7RSP', step(), answer())),
        // A server may answer and reset at once.
        broken: outcome => end(() => outcome),
        // What nobody has looked at yet is no silence.
        late: () => (waits && seen === 0 ? unexamined : timedOut('L7', step(), answer())),
      }

      function end(meaning: () => Outcome) {
        over = meaning
        advance()
      }

      function answer() {
        return excerpt(received.bytes())
      }

      function step() {
        return `at step ${at + 1} of ${steps.length}`
      }
    })
}

type Compiled = { readonly send?: Buffer; readonly expect?: Matcher }

function compile(step: Step): Compiled {
  return 'send' in step ? { send: bytesOf(step.send) } : { expect: matcherOf(step.expect) }
}
