import type { RequestListener } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { Token } from './access.js'
import { type Listening, listenTcp, type TcpAddress } from './listen.js'

/** One TCP listener. Without `anonymous: read`, only health, readiness and role answer without a token. */
export type TcpOptions = TcpAddress & {
  readonly tokens: readonly Token[]
  readonly anonymous?: 'probe' | 'read' | undefined
  /** Whether it shows the status page. Default true. */
  readonly page?: boolean | undefined
}

export type TcpListeners = {
  where(): readonly string[]
  /**
   * Opens, moves and closes what differs. One that stays where it is keeps its connections, reads its keys again and
   * asks for the new tokens. Resolves with where they are; rejects with the first that cannot be opened, the others serve.
   */
  open(wanted: readonly TcpOptions[]): Promise<readonly string[]>
  close(): Promise<void>
}

type Open = { options: TcpOptions; readonly listening: Listening }

/** @param handlerOf makes the handler of a listener, which asks for the options at each request */
export function createTcpListeners(handlerOf: (options: () => TcpOptions) => RequestListener): TcpListeners {
  let open: Open[] = []

  async function listen(options: TcpOptions): Promise<void> {
    refuseClearAdmin(options)
    const kept = open.find(each => samePlace(each.options, options))
    if (kept) {
      kept.options = options
      kept.listening.renew()
      return
    }
    const slot = { options }
    const listening = await listenTcp(
      options,
      handlerOf(() => slot.options),
    )
    open.push(Object.assign(slot, { listening }))
  }

  const where = () => open.map(({ listening }) => listening.where)

  return {
    where,
    async open(wanted) {
      for (const { options, listening } of open)
        if (!wanted.some(each => samePlace(each, options) && !insecure(each))) listening.retire()
      open = open.filter(({ options }) => wanted.some(each => samePlace(each, options) && !insecure(each)))
      const failures: unknown[] = []
      for (const each of wanted) await listen(each).catch((error: unknown) => failures.push(error))
      if (failures.length > 0) throw failures[0]
      return where()
    },
    async close() {
      await Promise.all(open.map(({ listening }) => listening.close()))
    },
  }
}

/** Whose certificates a client must show is settled when the listener opens; the rest of TLS can be renewed. */
function samePlace(one: TcpOptions, other: TcpOptions): boolean {
  const place = ({ address, port, tls }: TcpOptions) => [address, port, tls]
  return one.port !== 0 && isDeepStrictEqual(place(one), place(other))
}

function insecure({ address, tls, tokens }: TcpOptions): boolean {
  const clear = tls === undefined && address !== '127.0.0.1' && address !== '::1'
  return clear && tokens.some(({ access }) => access === 'admin')
}

function refuseClearAdmin(options: TcpOptions): void {
  if (insecure(options)) throw new Error('an admin token may not cross the network in clear: give the listener tls')
}
