import type { Context, Hono } from 'hono'
import type { Event } from '../messages.js'
import { answer, refuse } from './answer.js'
import { BadRequest, type Body, fields, overrideVerb, parseBody, required } from './body.js'
import type { ApiHandlers, By, Change, Reply } from './handlers.js'

/** Everything that changes something. Each change is audited with author, reason, before and after. */
export function changeRoutes(app: Hono, handlers: ApiHandlers, authorOf: (c: Context) => string): void {
  /** Runs one change and keeps its record, whatever became of it. */
  async function change(
    c: Context,
    verb: string,
    subject: string,
    reason: string | undefined,
    act: (by: By) => Promise<Reply<Change>>,
  ): Promise<Response> {
    const generation = c.req.header('if-match')
    const running = String(handlers.status().config.generation)
    if (generation !== undefined && generation.replaceAll('"', '') !== running)
      return refuse(c, { code: 'refused', text: `generation ${running} runs, not ${generation}` }, 412)
    const author = authorOf(c)
    const reply = await act({ author, ...(reason === undefined ? {} : { reason }) })
    handlers.audit(audit(verb, subject, author, reason, reply))
    return answer(c, reply)
  }

  app.post('/v1/plan', async c => {
    const { candidate } = await body(c)
    return answer(c, await handlers.plan(candidate))
  })

  app.post('/v1/reload', async c => {
    const read = fields(await body(c), ['confirm', 'reason'])
    const confirm = read.duration('confirm')
    return change(c, 'reload', 'configuration', read.text('reason'), by =>
      handlers.reload(confirm === undefined ? {} : { confirm }, by),
    )
  })

  // A job that reports every few seconds is no change by a person: not audited.
  app.post('/v1/push/:id', async c => {
    const read = fields(await body(c), ['passed', 'text'])
    const passed = required('passed', read.flag('passed'))
    const text = read.text('text')
    const report = { id: c.req.param('id'), passed, ...(text === undefined ? {} : { text }) }
    return answer(c, await handlers.push(report))
  })

  app.post('/v1/confirm', async c => {
    const read = fields(await body(c), ['reason'])
    return change(c, 'confirm', 'configuration', read.text('reason'), by => handlers.confirm(by))
  })

  app.post('/v1/overrides', async c => {
    const known = ['server', 'verb', 'weight', 'for', 'unlimited', 'within', 'active_only', 'reason']
    const read = fields(await body(c), known)
    const server = required('server', read.text('server'))
    const verb = overrideVerb(required('verb', read.text('verb')))
    const weight = read.whole('weight', 65_535)
    if ((verb === 'weight') !== (weight !== undefined)) throw new BadRequest('weight: belongs to the verb weight only')
    // What is meant for a while ends by itself unless asked otherwise.
    const lasts = read.duration('for') ?? handlers.overrideLimit()
    const until = read.flag('unlimited') ? {} : { until: Date.now() + lasts }
    const within = read.duration('within')
    if (verb !== 'drain' && within !== undefined) throw new BadRequest('within: belongs to the verb drain only')
    const activeOnly = read.flag('active_only') ?? false
    if (verb !== 'drain' && activeOnly) throw new BadRequest('active_only: belongs to the verb drain only')
    const drain = {
      ...(within === undefined ? {} : { deadline: Date.now() + within }),
      ...(activeOnly ? { activeOnly } : {}),
    }
    return change(c, verb, `server ${server}`, read.text('reason'), by =>
      handlers.override({ server, verb, ...(weight === undefined ? {} : { weight }), ...until, ...drain }, by),
    )
  })

  app.delete('/v1/overrides', async c => {
    const read = fields(c.req.query(), ['server', 'reason', 'pretty'])
    const server = required('server', read.text('server'))
    return change(c, 'ready', `server ${server}`, read.text('reason'), by => handlers.endOverride({ server }, by))
  })

  app.post('/v1/failover', async c => {
    const read = fields(await body(c), ['router', 'back', 'force', 'reason'])
    const router = required('router', read.text('router'))
    const request = { router, back: read.flag('back') ?? false, force: read.flag('force') ?? false }
    return change(c, 'failover', `router ${router}`, read.text('reason'), by => handlers.failover(request, by))
  })

  app.post('/v1/maintenance', async c => {
    const read = fields(await body(c), ['on', 'force', 'for', 'reason'])
    const on = required('on', read.flag('on'))
    const lasts = read.duration('for')
    const until = lasts === undefined ? {} : { until: Date.now() + lasts }
    const request = { on, force: read.flag('force') ?? false, ...until }
    return change(c, 'maintenance', `director ${handlers.status().node}`, read.text('reason'), by =>
      handlers.maintenance(request, by),
    )
  })

  app.post('/v1/restart', async c => {
    const read = fields(await body(c), ['reason'])
    return change(c, 'restart', `director ${handlers.status().node}`, read.text('reason'), by => handlers.restart(by))
  })

  app.post('/v1/stop', async c => {
    const read = fields(await body(c), ['clear', 'reason'])
    const request = { clear: read.flag('clear') ?? false }
    return change(c, 'stop', `director ${handlers.status().node}`, read.text('reason'), by =>
      handlers.stop(request, by),
    )
  })
}

/** JSON, said to be JSON: a form that some web page posts is not. Nothing at all is an empty object. */
async function body(c: Context): Promise<Body> {
  const text = await c.req.text()
  if (text === '') return {}
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
    throw new BadRequest('expected content-type application/json')
  return parseBody(text)
}

function audit(verb: string, subject: string, author: string, reason: string | undefined, reply: Reply<Change>): Event {
  const because = reason === undefined ? '' : ` ("${reason}")`
  const what = `${verb} ${subject.replace(/^\w+ /, '')}`
  const said = reason === undefined ? {} : { reason }
  const at = Date.now()
  if ('error' in reply) {
    const text = `${what} by ${author}${because} refused: ${reply.error.text}`
    return {
      at,
      name: 'audit.refused',
      level: 'info',
      subject,
      text,
      data: { author, ...said, verb, code: reply.error.code },
    }
  }
  const { before, after, touched, warnings, text } = reply.value
  const data = { author, ...said, verb, before, after, touched, warnings }
  return { at, name: `audit.${verb}`, level: 'notice', subject, text: `${what} by ${author}${because}: ${text}`, data }
}
