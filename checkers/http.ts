import { attempt, type Open } from './attempt.js'
import { excerpt, failed, timedOut } from './errors.js'
import { httpJudge } from './http-judge.js'
import { encodeRequest } from './http-request.js'
import { responseReader } from './http-response.js'
import type { Probe, Target } from './ports.js'
import { proxyHeader } from './proxy-header.js'
import type { HttpSpec } from './spec.js'

/** One HTTP/1.x request over a connection of its own. */
export function httpProbe(spec: HttpSpec, open: Open): Probe {
  const judge = httpJudge(spec)
  const header = proxyHeader(spec.proxy)
  let prepared: { target: Target; request: Buffer } | undefined

  return (target, signal) =>
    attempt(open, target, signal, 'fin', (stream, settle, weigh) => {
      const reader = responseReader(spec.method, spec.maxBytes)
      let first: Buffer | undefined
      let phase = 'status'

      function take(chunk: Buffer | undefined, ended: boolean) {
        const reading = reader.read(chunk, ended)
        if ('done' in reading) {
          const response = reading.done
          if (!judge.costly(response)) return settle(judge.outcome(response))
          const body = Buffer.from(response.body)
          return weigh(() => judge.outcome({ ...response, body }))
        }
        // Kept as bytes: made readable only if it is told.
        if (chunk && first === undefined) first = Buffer.from(chunk.subarray(0, 80))
        if ('wrong' in reading)
          settle(failed(first === undefined ? 'closed' : 'bad-reply', 'L7RSP', reading.wrong, first && excerpt(first)))
        else phase = reading.waiting
      }

      return {
        connected() {
          if (header) stream.send(header)
          if (prepared?.target !== target) prepared = { target, request: encodeRequest(spec, target) }
          stream.send(prepared.request)
        },
        data: chunk => take(chunk, false),
        ended: () => take(undefined, true),
        late: () => timedOut('L7', `waiting for the ${phase}`, first && excerpt(first)),
      }
    })
}
