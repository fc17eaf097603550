import { attempt, type Open } from './attempt.js'
import { bytesOf, matcherOf } from './bytes.js'
import { excerpt, failed, timedOut } from './errors.js'
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
      let received: Buffer = empty

      function advance() {
        for (; at < steps.length; at++) {
          const step = steps[at]
          // What came before a send is no answer to it; one answer may satisfy several expectations.
          if (step?.send) {
            stream.send(step.send)
            received = empty
          } else if (step?.expect && !step.expect(received)) return
        }
        settle(steps.length === 0 ? connected : answered)
      }

      return {
        connected() {
          if (header) stream.send(header)
          advance()
        },
        data(chunk) {
          received = Buffer.concat([received, chunk])
          advance()
          if (received.length > limit) settle(failed('too-large', 'L7RSP', step(), excerpt(received)))
        },
        ended: () => settle(failed(received.length > 0 ? 'bad-reply' : 'closed', 'L7RSP', step(), excerpt(received))),
        late: () => timedOut('L7', step(), excerpt(received)),
      }

      function step() {
        return `at step ${at + 1} of ${steps.length}`
      }
    })
}

const empty = Buffer.alloc(0)

type Compiled = { readonly send?: Buffer; readonly expect?: (answer: Buffer) => boolean }

function compile(step: Step): Compiled {
  return 'send' in step ? { send: bytesOf(step.send) } : { expect: matcherOf(step.expect) }
}
