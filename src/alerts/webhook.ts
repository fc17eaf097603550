import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Agent } from 'undici'
import type { Batch, Delivery, HttpConfig, Transport, WebhookConfig } from './alert.js'
import { headline } from './text.js'

/** What a receiver's own format makes of a batch. */
export type Template = (batch: Batch) => unknown

/** Secrets that a template's endpoint wants outside the body. */
export type HttpOptions = HttpConfig & { readonly secretFile?: string | undefined }

/**
 * Posts a batch as JSON. The body is signed: `X-Lvskeeper-Signature: sha256=<hex HMAC-SHA256 of the body>`; it names
 * each alert by an id, so that a body played again is recognised.
 */
export function webhook(config: WebhookConfig, template: Template = payload): Transport {
  return async (batch, signal) => {
    const body = Buffer.from(JSON.stringify(template(batch)))
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(config.timeout ?? 10_000)])
    let agent: Agent | undefined
    try {
      // Loaded with the first alert: the process starts sooner without it.
      const { Agent, request } = (await import('undici')).default
      agent = new Agent({ ...(config.caFile ? { connect: { ca: await readFile(config.caFile) } } : {}) })
      const response = await request(config.url, {
        method: 'POST',
        dispatcher: agent,
        signal: timeout,
        headers: { ...(await headersFor(config, batch, body)), ...config.headers },
        body,
      })
      // Read to the end, but keep little: the answer only explains a refusal.
      const answer = await firstBytes(response.body, 500)
      return judge(response.statusCode, answer, response.headers['retry-after'])
    } catch (error) {
      return { ok: false, reason: reason(error) }
    } finally {
      await agent?.destroy().catch(() => {})
    }
  }
}

/** The body of the generic webhook (docs/alerts.md). */
export function payload(batch: Batch) {
  const [first] = batch.alerts
  return {
    node: batch.node,
    text: headline(batch),
    id: first.id,
    key: first.key,
    phase: first.phase,
    resolve: first.phase === 'resolve',
    event: first.event,
    alerts: batch.alerts.map(alert => ({ ...alert, resolve: alert.phase === 'resolve' })),
  }
}

async function headersFor(config: WebhookConfig, batch: Batch, body: Buffer): Promise<Record<string, string>> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'lvskeeper',
    'x-lvskeeper-delivery': batch.alerts[0].id,
  }
  if (config.bearerFile) headers['authorization'] = `Bearer ${await secret(config.bearerFile)}`
  if (config.secretFile) headers['x-lvskeeper-signature'] = `sha256=${sign(await secret(config.secretFile), body)}`
  return headers
}

/** Hexadecimal HMAC-SHA256 of a body. */
export function sign(key: string, body: Buffer | string): string {
  return createHmac('sha256', key).update(body).digest('hex')
}

/** A secret is the file's text without the newline that editors add. */
export async function secret(file: string): Promise<string> {
  const text = (await readFile(file, 'utf8')).trim()
  if (text === '') throw new Error(`${file} is empty`)
  return text
}

function judge(status: number, answer: string, retryAfter: string | string[] | undefined): Delivery {
  if (status >= 200 && status < 300) return { ok: true }
  const words = answer.replaceAll(/[^\x20-\x7e]+/g, ' ').trim()
  const text = `HTTP ${status}${words === '' ? '' : `: ${words.slice(0, 200)}`}`
  const seconds = Number(retryAfter)
  // 400, 413 and 422 judge this message; 401, 403, 404 judge the set-up, which somebody may mend.
  return {
    ok: false,
    reason: text,
    ...([400, 413, 422].includes(status) ? { rejected: true } : {}),
    ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfter: seconds * 1_000 } : {}),
  }
}

async function firstBytes(body: AsyncIterable<Buffer>, most: number): Promise<string> {
  let text = ''
  for await (const chunk of body) {
    if (text.length < most) text += chunk.toString('latin1')
    else break
  }
  return text.slice(0, most)
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  return error.message || (inner instanceof Error ? inner.message : '') || error.name
}
