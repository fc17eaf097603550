import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import type { Duplex } from 'node:stream'
import { endpointHost } from './endpoint.js'
import { failed, failureOf, timedOut } from './errors.js'
import { examined } from './examine.js'
import { createGathered } from './gathered.js'
import { httpJudge } from './http-judge.js'
import { hostOf, requestHeaders } from './http-request.js'
import type { Response } from './http-response.js'
import { connector, warned } from './link.js'
import type { Dial, Outcome, Probe, Target } from './ports.js'
import { serverName } from './server-name.js'
import type { HttpSpec, TlsSpec } from './spec.js'

export type Http2Request = {
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | undefined
  readonly maxBytes: number
}

/** One HTTP/2 request: over TLS if the server chooses h2, else by prior knowledge (RFC 9113 3.3). */
export function http2Probe(spec: HttpSpec, dial: Dial): Probe {
  return http2Attempt(
    dial,
    spec.tls && { ...spec.tls, sni: serverName(spec) },
    spec.proxy,
    target => ({
      headers: {
        ':method': spec.method,
        ':path': spec.path,
        ':authority': hostOf(spec, target),
        ...Object.fromEntries(requestHeaders(spec).map(([name, value]) => [name.toLowerCase(), value])),
      },
      body: spec.body === undefined ? undefined : Buffer.from(spec.body),
      maxBytes: spec.maxBytes,
    }),
    httpJudge(spec).outcome,
  )
}

/** One exchange on a connection of its own; trailers are headers to the judge. */
export function http2Attempt(
  dial: Dial,
  tls: TlsSpec | undefined,
  proxy: 1 | 2 | undefined,
  requestFor: (target: Target) => Http2Request,
  judgeResponse: (response: Response) => Outcome,
): Probe {
  const connect = connector(dial, tls && { ...tls, alpn: ['h2'] }, proxy)
  return async (target, signal) => {
    const link = await connect(target, signal)
    if ('outcome' in link) return link.outcome
    if (tls && (link.socket as { alpnProtocol?: string | false }).alpnProtocol !== 'h2') {
      link.socket.destroy()
      return failed('tls', 'L6RSP', 'the server does not offer h2')
    }
    // A session that has ended by now throws at the request.
    const outcome = await exchange(link.socket, target, requestFor(target), signal).catch(error => {
      link.socket.destroy()
      return { outcome: outcomeOf(error) }
    })
    if ('outcome' in outcome) return outcome.outcome
    return warned(await examined(() => judgeResponse(outcome.response), signal), link.warning)
  }
}

type Exchanged = { readonly response: Response } | { readonly outcome: Outcome }

function exchange(socket: Duplex, target: Target, request: Http2Request, signal: AbortSignal): Promise<Exchanged> {
  return new Promise(resolve => {
    let phase = 'settings'
    const session = connectHttp2(`http://${endpointHost(target, 80)}`, {
      createConnection: () => socket,
      maxHeaderListPairs: 256,
      settings: { enablePush: false },
    } as import('node:http2').ClientSessionOptions)
    const give = (result: Exchanged) => {
      signal.removeEventListener('abort', late)
      session.destroy()
      socket.destroy()
      resolve(result)
    }
    const fail = (outcome: Outcome) => give({ outcome })
    const late = () => fail(timedOut('L7', `waiting for the ${phase}`))
    const broken = (error: NodeJS.ErrnoException) => fail(outcomeOf(error))
    session.on('error', broken)
    session.once('close', () => fail(failed('closed', 'L7RSP', 'closed by the server')))
    session.once('remoteSettings', () => {
      phase = phase === 'settings' ? 'status' : phase
    })
    const stream = session.request(request.headers, { endStream: request.body === undefined })
    stream.on('error', broken)
    if (request.body) stream.end(request.body)
    receive(stream, request.maxBytes, () => {
      phase = 'body'
    }).then(response => give({ response }))
    if (signal.aborted) late()
    else signal.addEventListener('abort', late)
  })
}

/** Collects one response. Stays pending when the stream breaks: its `error` tells that. */
function receive(stream: ClientHttp2Stream, limit: number, onHead: () => void): Promise<Response> {
  return new Promise(resolve => {
    const headers = new Map<string, string>()
    const body = createGathered()
    const add = (fields: Readonly<Record<string, unknown>>) => {
      for (const [name, value] of Object.entries(fields))
        headers.set(name, Array.isArray(value) ? value.join(', ') : String(value))
    }
    const done = (whole: boolean) =>
      resolve({
        status: Number(headers.get(':status') ?? 0),
        headers,
        body: body.bytes().subarray(0, limit),
        whole,
      })
    // Data may be there before its head is told: it is asked for only then.
    stream.once('response', fields => {
      onHead()
      add(fields)
      stream.on('data', (chunk: Buffer) => {
        if (body.length() > limit) return
        body.add(chunk)
        if (body.length() > limit) done(false)
      })
    })
    stream.once('trailers', add)
    stream.once('end', () => {
      // A stream that was reset ends too, and without a status.
      if (headers.has(':status') && stream.rstCode === 0) done(true)
    })
  })
}

function outcomeOf(error: NodeJS.ErrnoException): Outcome {
  const code = error.code ?? 'UNKNOWN'
  if (code.startsWith('ERR_HTTP2')) return failed('bad-reply', 'L7RSP', error.message)
  const failure = failureOf(code, error.message)
  return failure.layer === 'L4CON' ? { ...failure, layer: 'L7RSP' } : failure
}
