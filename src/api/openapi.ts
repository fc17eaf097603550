import { version } from '../version.js'

/** The OpenAPI 3.1 description of this API, served at /openapi.json; test/api/openapi.test.ts keeps it complete. */
export const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'lvskeeper',
    version,
    description:
      'One director. On control.sock everything; on status.sock what only reads; on TCP what the token allows.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  paths: {
    '/': { get: page('The status page.', 'text/html') },
    '/healthz': { get: probe('Whether all processes of the director run.') },
    '/readyz': {
      get: probe('Whether it could serve: processes run, table complete, connection sync not refused, no maintenance.'),
    },
    '/role': {
      get: {
        ...probe('200 where the director is master of the virtual router (without a name: of all), else 503.'),
        parameters: [query('router', 'Name of a virtual router.')],
      },
    },
    '/metrics': {
      get: {
        ...page('Metrics for Prometheus.', 'text/plain'),
        parameters: [
          query('scope', 'director, vrrp, services, servers, checks, peers, compat; may be repeated. All but compat.'),
        ],
      },
    },
    '/openapi.json': { get: answer('This document.', { type: 'object' }) },
    '/v1/status': { get: answer('The whole state of the director.', ref('Status')) },
    '/v1/overrides': {
      get: answer('The overrides that hold now.', list(ref('Override'))),
      post: change('Sets an override on real servers.', {
        server: text('SERVICE/ADDRESS[:PORT], or a bare address for every service that has it.'),
        verb: { enum: ['drain', 'maint', 'weight', 'force-up', 'force-down'] },
        weight: { type: 'integer', minimum: 0, maximum: 65535, description: 'Only with the verb weight.' },
        for: duration('Ends by itself then; default 24h.'),
        unlimited: flag('Holds until it is ended.'),
        within: duration('Only with the verb drain: removed then, whatever connections are left.'),
        active_only: flag('Only with the verb drain: half-closed and UDP connections are not waited for.'),
      }),
      delete: {
        ...change('Ends every override of the real servers.'),
        requestBody: undefined,
        parameters: [query('server', 'As above.', true), query('reason', 'Kept in the events.')],
      },
    },
    '/v1/explain': {
      get: {
        ...answer(
          'Everything that bears on a virtual router, a service, a real server, a director, or what is tracked.',
          { type: 'object' },
        ),
        parameters: [
          query(
            'subject',
            'ROUTER, SERVICE, SERVICE/ADDRESS[:PORT], ADDRESS, DIRECTOR, or what virtual routers track.',
            true,
          ),
        ],
      },
    },
    '/v1/events': {
      get: {
        ...answer('The newest events, oldest first; with follow a stream of JSON lines or server-sent events.', {
          ...list(ref('Event')),
        }),
        parameters: [
          query('last', 'How many; default 100.'),
          query('follow', 'Go on as they happen. Accept: text/event-stream for server-sent events.'),
          query('after', 'Only those after this sequence number (or the header Last-Event-ID).'),
          query('name', 'Names or families, comma between: vrrp.*,server.down.'),
          query('level', 'At least: info, notice, warning, alarm.'),
          query('subject', 'Part of the subject.'),
          query('since', 'Milliseconds since the epoch.'),
        ],
      },
    },
    '/v1/plan': {
      post: change('What a reload would change; nothing is changed.', {
        candidate: { description: 'A configuration that the client has loaded; absent: the file on disk.' },
      }),
    },
    '/v1/reload': {
      post: change('Validates, plans and applies the file; answers when it is applied.', {
        confirm: duration('Rolls back unless confirmed within this time.'),
      }),
    },
    '/v1/confirm': { post: change('Keeps what a reload with confirm applied.', {}) },
    '/v1/failover': {
      post: change('Gives a virtual router to the best other director.', {
        router: text('Its name.'),
        back: flag('Ends it: the priorities decide again.'),
        force: flag('Even when no other director is ready.'),
      }),
    },
    '/v1/maintenance': {
      post: change('The whole director leaves, or returns.', {
        on: flag('true: leave.'),
        force: flag('Even when no other director is ready.'),
        for: duration('Ends by itself then.'),
      }),
    },
    '/v1/push/{id}': {
      post: {
        ...change('A report for the checks of kind push with this id.', {
          passed: flag('The outcome.'),
          text: text('Shown with the result.'),
        }),
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      },
    },
    '/v1/restart': { post: change('The next process resumes: no failover, no change in the table.', {}) },
    '/v1/stop': { post: change('Hands over and ends.', { clear: flag('Removes our services from the table.') }) },
  },
  components: {
    securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'On TCP only.' } },
    schemas: {
      Error: object({
        error: object({
          code: {
            enum: ['invalid', 'not-found', 'refused', 'busy', 'config', 'internal', 'unavailable', 'forbidden'],
          },
          text: text('For a person.'),
          details: {},
        }),
      }),
      Change: object({
        text: text('What was done, in a sentence.'),
        before: {},
        after: {},
        touched: list({ type: 'string' }),
        warnings: list({ type: 'string' }),
      }),
      Event: object({
        seq: { type: 'integer', description: 'Grows by one, over restarts too.' },
        at: epoch(),
        name: text('Stable: docs/events.md.'),
        level: { enum: ['info', 'notice', 'warning', 'alarm'] },
        subject: text('router web, server web/10.9.0.21:80 ...'),
        text: text('One sentence.'),
        data: { type: 'object' },
      }),
      Override: object({
        service: text('Name, or * for every service that has the real server.'),
        address: text('Of the real server.'),
        port: { type: 'integer', description: '0: any.' },
        verb: text('drain, maint, weight, force-up, force-down.'),
        author: text('Who set it.'),
        reason: text('Why.'),
        at: epoch(),
        until: epoch(),
        deadline: epoch(),
        activeOnly: flag('A drain that does not wait for half-closed and UDP connections.'),
      }),
      Status: object({
        node: text('Name of the director.'),
        version: text('Of the program.'),
        at: epoch(),
        since: epoch(),
        config: { type: 'object' },
        routers: list({ type: 'object' }),
        services: list({ type: 'object' }),
        overrides: list(ref('Override')),
        peerChannel: { enum: ['on', 'off'] },
        peers: list({ type: 'object' }),
        alerts: list({ type: 'object' }),
        processes: list({ type: 'object' }),
        table: { type: 'object' },
        storage: list({ type: 'string' }),
        notices: list({ type: 'object' }),
      }),
    },
  },
}

function ref(name: string) {
  return { $ref: `#/components/schemas/${name}` }
}
function object(properties: Record<string, unknown>) {
  return { type: 'object', properties }
}
function list(items: unknown) {
  return { type: 'array', items }
}
function text(description: string) {
  return { type: 'string', description }
}
function flag(description: string) {
  return { type: 'boolean', description }
}
function duration(description: string) {
  return { type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$', description }
}
function epoch() {
  return { type: 'integer', description: 'Milliseconds since the epoch.' }
}
function query(name: string, description: string, required = false) {
  return { name, in: 'query', required, description, schema: { type: 'string' } }
}

function json(schema: unknown) {
  return { 'application/json': { schema } }
}

function refusals(...codes: number[]) {
  return Object.fromEntries(codes.map(code => [code, { description: 'Why not.', content: json(ref('Error')) }]))
}

function answer(summary: string, schema: unknown) {
  return { summary, responses: { 200: { description: 'ok', content: json(schema) }, ...refusals(400, 401, 404) } }
}

function page(summary: string, type: string) {
  return { summary, responses: { 200: { description: 'ok', content: { [type]: {} } } } }
}

function probe(summary: string) {
  const words = { 'text/plain': {} }
  return {
    summary,
    responses: { 200: { description: 'yes', content: words }, 503: { description: 'no', content: words } },
  }
}

/** Every change takes a reason and, in If-Match, the generation that it was meant for. */
function change(summary: string, properties: Record<string, unknown> = {}) {
  const body = object({ ...properties, reason: text('Kept in the events.') })
  return {
    summary,
    parameters: [{ name: 'If-Match', in: 'header', schema: { type: 'string' }, description: 'Generation.' }],
    requestBody: { content: json(body) },
    responses: {
      200: { description: 'done', content: json(ref('Change')) },
      ...refusals(400, 401, 403, 404, 409, 412, 413, 422, 503),
    },
  }
}
