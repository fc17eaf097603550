import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Refusal, RefusalCode, Reply } from './handlers.js'

export const statusOf: Readonly<Record<RefusalCode, ContentfulStatusCode>> = {
  invalid: 400,
  'not-found': 404,
  refused: 409,
  busy: 409,
  config: 422,
  internal: 500,
  unavailable: 503,
}

/** The value, or the reason with the status that fits its code. */
export function answer(c: Context, reply: Reply<unknown>): Response {
  return 'value' in reply ? json(c, reply.value) : refuse(c, reply.error)
}

export function refuse(c: Context, error: Refusal, status = statusOf[error.code]): Response {
  return c.json({ error }, status)
}

/** A Map or an undefined in the value would be our mistake; readers get readable JSON with `?pretty`. */
export function json(c: Context, value: unknown): Response {
  const pretty = c.req.query('pretty') !== undefined
  return c.body(`${JSON.stringify(value, null, pretty ? 2 : undefined)}\n`, 200, { 'content-type': 'application/json' })
}
