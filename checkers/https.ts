import type { Client, Dispatcher } from 'undici'
import { endpointHost } from './endpoint.js'
import { excerpt, failed, failureOf, timedOut } from './errors.js'
import { examined } from './examine.js'
import { createGathered } from './gathered.js'
import { httpJudge } from './http-judge.js'
import { hostOf, requestHeaders } from './http-request.js'
import type { Response } from './http-response.js'
import { connector, type Link, warned } from './link.js'
import { onAbort } from './on-abort.js'
import type { Dial, Outcome, Probe, Target } from './ports.js'
import { serverName } from './server-name.js'
import type { HttpSpec, TlsSpec } from './spec.js'

/**
 * One HTTP/1.1 request over TLS, by an undici client of its own: never a connection that an earlier attempt left, and
 * no time limit but the signal's (undici's own are coarse).
 */
export function httpsProbe(spec: HttpSpec & { readonly tls: TlsSpec }, dial: Dial): Probe {
  const connect = connector(dial, { ...spec.tls, sni: serverName(spec), alpn: ['http/1.1'] }, spec.proxy)
  const judge = httpJudge(spec)
  // Loaded with the first check that needs it: the start of every process that makes none is shorter by an eighth.
  const library = import('undici')

  return async (target, signal) => {
    const link = await connect(target, signal)
    if ('outcome' in link) return link.outcome
    const answer = await exchange(link)
    if ('outcome' in answer) return answer.outcome
    return warned(await examined(() => judge.outcome(answer), signal), link.warning)

    async function exchange(link: Link): Promise<Response | { readonly outcome: Outcome }> {
      const { Client } = (await library).default
      const cut = cutOff(signal)
      const client = new Client(`https://${endpointHost(target, 443)}`, options(link, cut.closed))
      let phase = 'status'
      try {
        const answer = await Promise.race([client.request({ ...request(spec, target), signal }), cut.off])
        phase = 'body'
        return await receive(answer, spec.maxBytes)
      } catch (error) {
        return { outcome: signal.aborted ? timedOut('L7', `waiting for the ${phase}`) : outcomeOf(error) }
      } finally {
        cut.forget()
        // Not awaited: the response is known, and closing has no result that anybody wants.
        client.destroy().catch(() => {})
        link.socket.destroy()
      }
    }
  }
}

/** What ends the waiting for an answer: the signal, which undici does not heed before it is connected, or that there is no connection any more. */
function cutOff(signal: AbortSignal) {
  let end: (error: unknown) => void = () => {}
  const off = new Promise<never>((_, reject) => {
    end = reject
  })
  // Also where nobody waits for it any more.
  off.catch(() => {})
  const forget = onAbort(signal, () => end(signal.reason))
  if (signal.aborted) end(signal.reason)
  return { off, forget, closed: () => end(closed) }
}

const closed = Object.assign(new Error('closed by the server'), { code: 'UND_ERR_SOCKET' })

function options({ socket }: Link, gone: () => void): Client.Options {
  let given = false
  return {
    // The connector's type wants a net.Socket; any Duplex that has shaken hands is one to undici.
    // Not at once: undici waits for ever on a connector that answers before it returns. And once only: given a socket that
    // has ended it asks for the next one without a turn of the loop between, for ever.
    connect(_, give) {
      if (given || socket.destroyed) return gone()
      given = true
      queueMicrotask(() => give(null, socket as import('node:tls').TLSSocket))
    },
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 32_768,
    pipelining: 0,
  }
}

function request(spec: HttpSpec, target: Target): Dispatcher.RequestOptions {
  // undici counts the body itself.
  const headers = requestHeaders(spec).filter(([name]) => name.toLowerCase() !== 'content-length')
  return {
    method: spec.method as Dispatcher.HttpMethod,
    path: spec.path,
    headers: [...headers.flat(), 'Host', hostOf(spec, target)],
    body: spec.body ?? null,
    reset: true,
  }
}

/** Reads at most `limit` bytes of the body. */
async function receive({ statusCode, headers, body }: Dispatcher.ResponseData, limit: number): Promise<Response> {
  const kept = createGathered()
  for await (const chunk of body as AsyncIterable<Buffer>) {
    kept.add(chunk)
    if (kept.length() > limit) break
  }
  const fields = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ])
  return {
    status: statusCode,
    headers: new Map(fields),
    body: kept.bytes().subarray(0, limit),
    whole: kept.length() <= limit,
  }
}

function outcomeOf(error: unknown): Outcome {
  const { code = '', message = String(error) } = error as { code?: string; message?: string }
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') return failed('bad-reply', 'L7RSP', message)
  if (code.startsWith('UND_ERR_')) return failed('closed', 'L7RSP', message)
  const failure = failureOf(code || 'UNKNOWN', excerpt(message))
  return failure.layer === 'L4CON' ? { ...failure, layer: 'L7RSP' } : failure
}
