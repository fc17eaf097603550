import { isIP } from 'node:net'
import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import type { LayeredEvents, Open } from './attempt.js'
import { judgeCertificate } from './certificate.js'
import { streamOver } from './dial.js'
import { duplexOver } from './duplex.js'
import { failed } from './errors.js'
import type { Dial, Target } from './ports.js'
import { proxyHeader } from './proxy-header.js'
import type { TlsSpec } from './spec.js'

/** A dial whose streams are under TLS: `connected` comes after the handshake and a certificate that was found good. */
export function secureOpen(spec: TlsSpec, dial: Dial, proxy?: 1 | 2): Open {
  const secure = securer(spec, dial, proxy)
  return (target, events) => {
    const { socket, events: layered } = secure(target, events)
    return streamOver(socket, layered, 'secureConnect')
  }
}

/**
 * Prepares TLS once (reading authorities costs milliseconds) and makes one TLS socket per attempt over any dial. No
 * session is ever resumed: each attempt sees the certificate.
 */
export function securer(spec: TlsSpec, dial: Dial, proxy?: 1 | 2) {
  const secureContext = createSecureContext({
    ...(spec.ca === undefined ? {} : { ca: spec.ca }),
    ...(spec.cert === undefined ? {} : { cert: spec.cert }),
    ...(spec.key === undefined ? {} : { key: spec.key }),
    ...(spec.minVersion === undefined ? {} : { minVersion: spec.minVersion }),
  })
  const header = proxyHeader(proxy)

  return (target: Target, events: LayeredEvents): { socket: TLSSocket; events: LayeredEvents } => {
    let errno = false
    const lower = duplexOver(dial, target, header, events.handshaking)
    lower.on('error', () => {
      errno = true
    })
    const socket = connect({
      socket: lower,
      secureContext,
      host: target.address,
      // Chain, name and dates are judged in `connected`, for reasons instead of one exception.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(spec.sni === undefined || isIP(spec.sni) ? {} : { servername: spec.sni }),
      ...(spec.alpn === undefined ? {} : { ALPNProtocols: [...spec.alpn] }),
    })
    const layered: LayeredEvents = {
      ...events,
      connected() {
        const { outcome, warning } = judgeCertificate(socket, spec, target)
        if (warning !== undefined) events.warned(warning)
        if (outcome) events.rejected(outcome)
        else events.connected()
      },
      failed(code, text) {
        if (errno || code === 'ECONNRESET') events.failed(code, text)
        else events.rejected(failed('tls', 'L6RSP', text ?? code))
      },
    }
    return { socket, events: layered }
  }
}
