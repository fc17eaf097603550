import { checkServerIdentity, type TLSSocket } from 'node:tls'
import { failed } from './errors.js'
import type { Outcome, Target } from './ports.js'
import type { TlsSpec } from './spec.js'

const DAY = 86_400_000

/** Judges the certificate of a completed handshake: chain and name as far as asked, pin, and how long it still lasts. */
export function judgeCertificate(
  socket: TLSSocket,
  spec: TlsSpec,
  target: Target,
  now = Date.now(),
): { readonly outcome?: Outcome; readonly warning?: string } {
  const wrong = (detail: string) => ({ outcome: failed('certificate', 'L6RSP', detail) })
  if (spec.verify !== 'none' && socket.authorizationError) return wrong(String(socket.authorizationError))
  const certificate = socket.getPeerCertificate()
  if (!certificate?.raw) return wrong('no certificate')
  if (spec.verify === 'full') {
    const error = nameError(spec.sni ?? target.address.replace(/%.*$/, ''), certificate)
    if (error) return wrong(error.message)
  }
  if (spec.pin && spec.pin.length > 0) {
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    if (!spec.pin.some(pin => pin.replaceAll(':', '').toLowerCase() === fingerprint))
      return wrong(`fingerprint ${fingerprint}`)
  }
  const ends = Date.parse(certificate.valid_to)
  const days = (ends - now) / DAY
  // With verify `none` only what is asked for by number counts.
  if (Number.isNaN(ends))
    return spec.verify === 'none' && spec.failDays === 0 ? {} : wrong('the end of the certificate cannot be read')
  const when = `certificate ends ${new Date(ends).toISOString().slice(0, 10)}`
  if (days <= spec.failDays && (spec.verify !== 'none' || spec.failDays > 0)) return wrong(when)
  return spec.warnDays > 0 && days <= spec.warnDays ? { warning: when } : {}
}

/** It throws for names that are not written as they must be. */
function nameError(name: string, certificate: Parameters<typeof checkServerIdentity>[1]): Error | undefined {
  try {
    return checkServerIdentity(name, certificate)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
