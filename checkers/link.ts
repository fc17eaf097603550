import type { Duplex } from 'node:stream'
import { duplexOver } from './duplex.js'
import { failed, failureOf, timedOut } from './errors.js'
import type { Dial, Outcome, Target } from './ports.js'
import { proxyHeader } from './proxy-header.js'
import { securer } from './secure.js'
import type { TlsSpec } from './spec.js'

export type Link = { readonly socket: Duplex; readonly warning?: string }
export type Connect = (target: Target, signal: AbortSignal) => Promise<Link | { readonly outcome: Outcome }>

/** Connects for a client library that wants a connected socket: TCP, and the handshake if there is to be one. */
export function connector(dial: Dial, tls: TlsSpec | undefined, proxy?: 1 | 2): Connect {
  const secure = tls && securer(tls, dial, proxy)
  const header = proxyHeader(proxy)

  return (target, signal) =>
    new Promise(resolve => {
      let layer: 'L4' | 'L6' = 'L4'
      let warning: string | undefined
      const give = (result: Link | { outcome: Outcome }) => {
        signal.removeEventListener('abort', late)
        if ('outcome' in result) socket.destroy()
        resolve(result)
      }
      const fail = (outcome: Outcome) => give({ outcome })
      const late = () => fail(timedOut(layer))
      const ready = () => give({ socket, ...(warning === undefined ? {} : { warning }) })
      let socket: Duplex
      if (secure) {
        const session = secure(target, {
          handshaking() {
            layer = 'L6'
          },
          connected: ready,
          data() {},
          ended: () => fail(failed('closed', 'L6RSP', 'closed by the server')),
          failed: (errno, text) => fail(failureOf(errno, text)),
          rejected: fail,
          warned(text) {
            warning = text
          },
        })
        session.socket.once('secureConnect', session.events.connected)
        session.socket.once('end', session.events.ended)
        session.socket.on('error', (error: NodeJS.ErrnoException) =>
          session.events.failed(error.code ?? 'UNKNOWN', error.message),
        )
        socket = session.socket
      } else {
        socket = duplexOver(dial, target, header, ready)
        socket.on('error', (error: NodeJS.ErrnoException) => fail(failureOf(error.code ?? 'UNKNOWN', error.message)))
      }
      if (signal.aborted) late()
      else signal.addEventListener('abort', late)
    })
}

/** Adds what the handshake warned of. */
export function warned(outcome: Outcome, warning: string | undefined): Outcome {
  return outcome.passed && warning !== undefined ? { ...outcome, warning } : outcome
}
