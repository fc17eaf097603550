import type { IncomingMessage, RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type Access, allows, tokenOf } from './access.js'
import { refuse } from './answer.js'
import { authorOf, type PeerCredentials } from './author.js'
import { BadRequest } from './body.js'
import { changeRoutes } from './change-routes.js'
import type { ApiHandlers } from './handlers.js'
import type { Metrics } from './metrics.js'
import { paced } from './paced.js'
import { readRoutes } from './read-routes.js'
import { createSockets, missingGroup, type SocketPaths } from './sockets.js'
import { createTcpListeners, type TcpOptions } from './tcp.js'

export type ApiOptions = SocketPaths & {
  readonly metrics: Metrics
  /** SO_PEERCRED of a connection on the control socket. */
  readonly peerOf: (socket: Socket) => PeerCredentials | undefined
  /** Our own mistakes, for the log. */
  readonly failed: (error: unknown, path: string) => void
}

export type Api = {
  /** Where it listens, for the log. */
  where(): readonly string[]
  /** Moves the sockets where another place or group is wanted; rejects with what is not as wanted. */
  sockets(wanted: SocketPaths): Promise<void>
  /** The TCP listeners from now on; resolves with where they are. Rejects when one cannot be opened; the others serve. */
  tcp(listeners: readonly TcpOptions[]): Promise<readonly string[]>
  stop(): Promise<void>
}

type Caller = { readonly access: Access; readonly author: string; readonly page?: boolean | undefined }
type Bindings = { readonly incoming: IncomingMessage }

const planLimit = 64 << 20
const bodyMost = 64 << 10
const probes = ['/', '/healthz', '/readyz', '/role', '/openapi.json']

/** Opens both sockets. Rejects when one cannot be opened: without them nobody could ask. */
export async function createApi(control: ApiHandlers, options: ApiOptions): Promise<Api> {
  const status = paced(() => control.status())
  const handlers: ApiHandlers = { ...control, status: status.get }

  /** One application for all listeners; what a caller may do is asked for each request. */
  function listener(callerOf: (c: Context) => Caller): RequestListener {
    const app = new Hono()
    app.use(async (c, next) => {
      const { access, page = true } = callerOf(c)
      if (!page && c.req.path === '/') return c.notFound()
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

  const sockets = createSockets({
    controlSocket: listener(c => ({ access: 'admin', author: socketAuthor(c, options) })),
    statusSocket: listener(() => ({ access: 'read', author: 'unknown' })),
  })
  const tcp = createTcpListeners(wanted => listener(c => tcpCaller(c, wanted())))
  await sockets.open(options).catch((error: unknown) => {
    // Better asked at the usual place than not at all; `sockets` says again what is wrong.
    if (!options.usual) throw error
    return sockets.open({ ...options, ...options.usual })
  })

  return {
    where: () => [...sockets.where(), ...tcp.where()],
    async sockets(wanted) {
      await sockets.open(wanted)
      const missing = missingGroup(wanted)
      if (missing !== undefined) throw new Error(missing)
    },
    tcp: tcp.open,
    async stop() {
      await Promise.all([sockets.close(), tcp.close()])
    },
  }
}

function need(method: string, path: string): Access {
  if (method !== 'GET' && method !== 'HEAD') return 'admin'
  return probes.includes(path) ? 'probe' : 'read'
}

function socketAuthor(c: Context, { peerOf }: ApiOptions): string {
  return authorOf(peerOf((c.env as Bindings).incoming.socket), c.req.header('x-lvskeeper-for'))
}

function tcpCaller(c: Context, { tokens, anonymous = 'probe', page }: TcpOptions): Caller {
  const token = tokenOf(c.req.header('authorization'), tokens)
  const address = (c.env as Bindings).incoming.socket.remoteAddress ?? 'unknown'
  return token
    ? { access: token.access, author: `token ${token.name} from ${address}`, page }
    : { access: anonymous, author: address, page }
}
