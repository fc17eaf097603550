import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, type ApiOptions, createApi } from '../../src/api/api.js'
import type { ApiHandlers, Change, PlanAnswer, Reply } from '../../src/api/handlers.js'
import { createMetrics } from '../../src/api/metrics.js'
import { openEventStore } from '../../src/events/store.js'
import type { Event } from '../../src/messages.js'
import { explain } from '../../src/status/explain.js'
import type { Status } from '../../src/status/status.js'
import { status } from '../status/samples.js'

/** What the handlers were asked, and what the next change answers. */
export type Fixture = {
  readonly api: Api
  readonly control: string
  readonly reader: string
  readonly folder: string
  readonly asked: unknown[][]
  readonly audits: Event[]
  readonly mistakes: unknown[]
  readonly events: ReturnType<typeof openEventStore>
  status: Status
  reply: Reply<Change>
  /** The answer to the next plan. */
  planned: PlanAnswer
  close(): Promise<void>
}

/** A director's API over real sockets, with a control process that remembers what it was asked. */
export async function fixture({
  events: given,
  ...options
}: Partial<ApiOptions> & { events?: Fixture['events'] } = {}): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-api-'))
  const control = join(folder, 'control.sock')
  const reader = join(folder, 'status.sock')
  const events = given ?? openEventStore({ directory: folder })
  const asked: unknown[][] = []
  const mistakes: unknown[] = []
  const audits: Event[] = []
  const made = {
    folder,
    control,
    reader,
    asked,
    audits,
    mistakes,
    events,
    status: status(),
    planned: {
      ...{ changes: true, text: '+ server' },
      ...{ ipvsadm: ['-a -t 10.9.0.100:80 -r 10.9.0.23:80'], sysctls: [] },
    } as PlanAnswer,
    reply: { value: { text: 'done', before: 1, after: 2, touched: ['web/10.9.0.21:80'] } } as Reply<Change>,
  }
  const change =
    (what: string) =>
    async (...given: unknown[]) => {
      asked.push([what, ...given])
      return made.reply
    }
  const handlers: ApiHandlers = {
    status: () => made.status,
    overrideLimit: () => 86_400_000,
    events,
    explain: async subject => ({ value: explain(made.status, subject, about => events.recent(5, { subject: about })) }),
    plan: async candidate => {
      asked.push(['plan', candidate])
      return { value: made.planned }
    },
    reload: change('reload'),
    confirm: change('confirm'),
    override: change('override'),
    endOverride: change('endOverride'),
    failover: change('failover'),
    maintenance: change('maintenance'),
    restart: change('restart'),
    stop: change('stop'),
    push: change('push'),
    audit: event => audits.push(event),
  }
  const forget = () => {
    events.close()
    rmSync(folder, { recursive: true, force: true })
  }
  const api = await createApi(handlers, {
    controlSocket: control,
    statusSocket: reader,
    metrics: createMetrics(),
    peerOf: () => ({ uid: 0, gid: 0, pid: 1 }),
    failed: error => mistakes.push(error),
    ...options,
  }).catch(error => {
    forget()
    throw error
  })
  const close = async () => {
    await api.stop()
    forget()
  }
  return Object.assign(made, { api, close })
}
