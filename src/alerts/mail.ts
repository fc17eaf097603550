import { readFile } from 'node:fs/promises'
import type { Batch, Delivery, MailConfig, Transport } from './alert.js'
import { headline, lines } from './text.js'
import { secret } from './webhook.js'

/** SMTP with STARTTLS and AUTH; a password never crosses a line that is not encrypted. */
export function mail(config: MailConfig): Transport {
  const tls = config.tls ?? 'starttls'
  return async (batch, signal) => {
    try {
      // Loaded with the first alert: the process starts sooner without it.
      const { createTransport } = (await import('nodemailer')).default
      const transport = createTransport({
        host: config.host,
        port: config.port ?? (tls === 'tls' ? 465 : 25),
        secure: tls === 'tls',
        requireTLS: tls === 'starttls' || (config.user !== undefined && tls === 'opportunistic'),
        ignoreTLS: tls === 'none',
        connectionTimeout: config.timeout ?? 30_000,
        greetingTimeout: config.timeout ?? 30_000,
        socketTimeout: config.timeout ?? 30_000,
        ...(config.caFile ? { tls: { ca: await readFile(config.caFile) } } : {}),
        ...(config.user && config.passwordFile
          ? { auth: { user: config.user, pass: await secret(config.passwordFile) } }
          : {}),
      })
      try {
        await Promise.race([transport.sendMail(message(config, batch)), aborted(signal)])
        return { ok: true }
      } finally {
        transport.close()
      }
    } catch (error) {
      return refusal(error)
    }
  }
}

/** What is put into the envelope and the body. */
export function message(config: Pick<MailConfig, 'from' | 'to'>, batch: Batch) {
  const [first] = batch.alerts
  return {
    from: config.from,
    to: [...config.to],
    subject: headline(batch).replaceAll(/\s+/g, ' ').slice(0, 200),
    text: `${lines(batch)}\n\nlvskeeper events      what happened, and why\nlvskeeper status      what is so now\n`,
    messageId: `<${first.id}@${batch.node}.lvskeeper>`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Lvskeeper-Key': first.key.replaceAll(/[^\x20-\x7e]/g, '?') },
  }
}

/** nodemailer knows no signals: a connection that hangs is left to its own timeout. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true })
  })
}

/** RFC 5321: a 5yz answer is final for this message. */
function refusal(error: unknown): Delivery {
  const reason = error instanceof Error ? error.message : String(error)
  const code = typeof error === 'object' && error !== null && 'responseCode' in error ? Number(error.responseCode) : 0
  return { ok: false, reason, ...(code >= 550 && code < 560 ? { rejected: true } : {}) }
}
