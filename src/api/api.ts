import type { IncomingMessage, RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type Access, allows, type Token, tokenOf } from './access.js'
import { refuse } from './answer.js'
import { authorOf, type PeerCredentials } from './author.js'
import { BadRequest } from './body.js'
import { changeRoutes } from './change-routes.js'
import type { ApiHandlers } from './handlers.js'
import { type Listening, listenTcp, listenUnix, type TcpAddress } from './listen.js'
import type { Metrics } from './metrics.js'
import { paced } from './paced.js'
import { readRoutes } from './read-routes.js'

export type ApiOptions = {
  readonly controlSocket: string
  readonly statusSocket: string
  /** Owns the control socket where it exists. Default `lvskeeper`. */
  readonly group?: string
  readonly metrics: Metrics
  /** SO_PEERCRED of a connection on the control socket. */
  readonly peerOf: (socket: Socket) => PeerCredentials | undefined
  /** Our own mistakes, for the log. */
  readonly failed: (error: unknown, path: string) => void
}

/** One TCP listener. Without `anonymous: read`, only health, readiness and role answer without a token. */
export type TcpOptions = TcpAddress & {
  readonly tokens: readonly Token[]
  readonly anonymous?: 'probe' | 'read' | undefined
}

export type Api = {
  /** Where it listens, for the log. */
  readonly where: readonly string[]
  /** Replaces the TCP listeners; resolves with where they are. Rejects when one cannot be opened; the others serve. */
  tcp(listeners: readonly TcpOptions[]): Promise<readonly string[]>
  stop(): Promise<void>
}

type Caller = { readonly access: Access; readonly author: string }
type Bindings = { readonly incoming: IncomingMessage }

const planLimit = 64 << 20
const bodyMost = 64 << 10
const probes = ['/', '/healthz', '/readyz', '/role', '/openapi.json']

/** Opens both sockets. Rejects when one cannot be opened: without them nobody could ask. */
export async function createApi(control: ApiHandlers, options: ApiOptions): Promise<Api> {
  const status = paced(() => control.status())
  const handlers: ApiHandlers = { ...control, status: status.get }
  const listening: Listening[] = []
  let tcp: Listening[] = []

  /** One application for all listeners; what a caller may do is asked for each request. */
  function listener(callerOf: (c: Context) => Caller): RequestListener {
    const app = new Hono()
    app.use(async (c, next) => {
      const { access } = callerOf(c)
      const needs = need(c.req.method, c.req.path)
      if (!allows(access, needs)) {
        const text = access === 'probe' ? `${needs} access wants a token` : 'this listener only reads'
        return c.json({ error: { code: 'forbidden', text } }, access === 'probe' ? 401 : 403)
      }
      await next()
      if (needs === 'admin') status.forget()
      c.header('x-content-type-options', 'nosniff')
      return undefined
    })
    const onError = (c: Context) => refuse(c, { code: 'invalid', text: 'the body is too large' }, 413)
    app.use('/v1/plan', bodyLimit({ maxSize: planLimit, onError }))
    app.use('*', async (c, next) =>
      c.req.path === '/v1/plan' ? next() : bodyLimit({ maxSize: bodyMost, onError })(c, next),
    )
    readRoutes(app, handlers, options.metrics)
    changeRoutes(app, handlers, c => callerOf(c).author)
    app.notFound(c => refuse(c, { code: 'not-found', text: `no such path: ${c.req.path}` }))
    app.onError((error, c) => {
      if (error instanceof BadRequest) return refuse(c, { code: 'invalid', text: error.message })
      options.failed(error, c.req.path)
      return refuse(c, { code: 'internal', text: 'a mistake of lvskeeper itself: its log has the details' })
    })
    return getRequestListener(app.fetch)
  }

  const admin = listener(c => ({ access: 'admin', author: socketAuthor(c, options) }))
  const reader = listener(() => ({ access: 'read', author: 'unknown' }))
  listening.push(await listenUnix(options.controlSocket, 0o660, options.group ?? 'lvskeeper', admin))
  listening.push(await listenUnix(options.statusSocket, 0o666, undefined, reader))

  return {
    where: listening.map(({ where }) => where),
    async tcp(wanted) {
      await Promise.all(tcp.map(each => each.close()))
      tcp = []
      const failures: unknown[] = []
      for (const each of wanted) {
        try {
          refuseClearAdmin(each)
          tcp.push(
            await listenTcp(
              each,
              listener(c => tcpCaller(c, each)),
            ),
          )
        } catch (error) {
          failures.push(error)
        }
      }
      if (failures.length > 0) throw failures[0]
      return tcp.map(({ where }) => where)
    },
    async stop() {
      await Promise.all([...listening, ...tcp].map(each => each.close()))
    },
  }
}

function refuseClearAdmin({ address, tls, tokens }: TcpOptions): void {
  const clear = tls === undefined && address !== '127.0.0.1' && address !== '::1'
  if (clear && tokens.some(({ access }) => access === 'admin'))
    throw new Error('an admin token may not cross the network in clear: give the listener tls')
}

function need(method: string, path: string): Access {
  if (method !== 'GET' && method !== 'HEAD') return 'admin'
  return probes.includes(path) ? 'probe' : 'read'
}

function socketAuthor(c: Context, { peerOf }: ApiOptions): string {
  return authorOf(peerOf((c.env as Bindings).incoming.socket), c.req.header('x-lvskeeper-for'))
}

function tcpCaller(c: Context, { tokens, anonymous = 'probe' }: TcpOptions): Caller {
  const token = tokenOf(c.req.header('authorization'), tokens)
  const address = (c.env as Bindings).incoming.socket.remoteAddress ?? 'unknown'
  return token
    ? { access: token.access, author: `token ${token.name} from ${address}` }
    : { access: anonymous, author: address }
}
