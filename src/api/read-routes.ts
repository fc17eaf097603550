import type { Hono } from 'hono'
import { type EventFilter, eventLevels } from '../events/filter.js'
import { answer, json, refuse } from './answer.js'
import { BadRequest } from './body.js'
import type { ApiHandlers } from './handlers.js'
import type { Metrics } from './metrics.js'
import { openapi } from './openapi.js'
import { page, pagePolicy } from './page.js'
import { eventStream } from './stream.js'

const mostFollowers = 64

/** Everything that changes nothing. `probe` paths are open to whoever reaches the listener. */
export function readRoutes(app: Hono, handlers: ApiHandlers, metrics: Metrics): void {
  let followers = 0

  app.get('/healthz', c => {
    const dead = handlers.status().processes.filter(({ state }) => state === 'dead')
    const words = dead.map(({ role }) => `${role} is not running\n`).join('')
    return dead.length === 0 ? c.text('ok\n') : c.text(words, 503)
  })

  app.get('/readyz', c => {
    const { table, processes, maintenance } = handlers.status()
    const missing = [
      ...processes.filter(({ state }) => state !== 'running').map(({ role }) => `${role} is not running`),
      ...processes.filter(({ silentSince }) => silentSince !== undefined).map(({ role }) => `${role} does not answer`),
      ...(table.complete ? [] : ['the table is not complete']),
      ...(table.unsynced === undefined ? [] : ['connection sync does not run']),
      ...(maintenance ? ['in maintenance'] : []),
    ]
    return missing.length === 0 ? c.text('ready\n') : c.text(`${missing.join('\n')}\n`, 503)
  })

  app.get('/role', c => {
    const name = c.req.query('router')
    const routers = handlers.status().routers.filter(router => name === undefined || router.name === name)
    if (routers.length === 0) return c.text('no such virtual router\n', 404)
    const states = routers.map(router => `${router.name} ${router.state}\n`).join('')
    return c.text(states, routers.every(({ state }) => state === 'master') ? 200 : 503)
  })

  app.get('/', c => c.body(page, 200, { 'content-type': 'text/html; charset=utf-8', ...pagePolicy }))
  app.get('/openapi.json', c => json(c, openapi))
  app.get('/v1/status', c => json(c, handlers.status()))
  app.get('/v1/overrides', c => json(c, handlers.status().overrides))

  app.get('/metrics', async c => {
    const { text, contentType } = await metrics.render(handlers.status(), c.req.queries('scope') ?? [])
    return c.body(text, 200, { 'content-type': contentType })
  })

  app.get('/v1/explain', async c => {
    const subject = c.req.query('subject')
    if (!subject)
      throw new BadRequest('subject is missing: a virtual router, a service, SERVICE/ADDRESS[:PORT], or a director')
    return answer(c, await handlers.explain(subject))
  })

  app.get('/v1/events', c => {
    const filter = eventFilter(c.req.query())
    const last = wholeNumber('last', c.req.query('last') ?? '100', 10_000)
    const seen = c.req.header('last-event-id') ?? c.req.query('after')
    const after = seen === undefined ? undefined : wholeNumber('after', seen, Number.MAX_SAFE_INTEGER)
    const first = after === undefined ? handlers.events.recent(last, filter) : handlers.events.after(after, filter)
    if (c.req.query('follow') === undefined) return json(c, first)
    if (followers >= mostFollowers)
      return refuse(c, { code: 'busy', text: `${mostFollowers} clients follow the events already` })
    followers++
    const sse = (c.req.header('accept') ?? '').includes('text/event-stream')
    const ended = () => {
      followers--
    }
    return c.body(eventStream(handlers.events, { first, filter, sse, ended }), 200, {
      'content-type': sse ? 'text/event-stream' : 'application/x-ndjson',
      'cache-control': 'no-store',
    })
  })
}

function eventFilter({ name, level, subject, since }: Record<string, string>): EventFilter {
  const found = eventLevels.find(each => each === level)
  if (level !== undefined && !found) throw new BadRequest(`level: expected one of ${eventLevels.join(', ')}`)
  return {
    names: name === undefined ? undefined : name.split(','),
    level: found,
    subject,
    since: since === undefined ? undefined : wholeNumber('since', since, Number.MAX_SAFE_INTEGER),
  }
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text)
  if (text === '' || !Number.isInteger(value) || value < 0 || value > most)
    throw new BadRequest(`${name}: expected a whole number from 0 to ${most}`)
  return value
}
