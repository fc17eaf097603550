import { stripVTControlCharacters } from 'node:util'
import type { StoredEvent } from '../events/store.js'
import { serverKey } from '../ipvs/table.js'
import type { RealServerStatus, RouterStatus } from '../messages.js'
import { age } from './age.js'
import { causeText } from './causes.js'
import { columns, cut } from './columns.js'
import { eventLine } from './events-text.js'
import { noticeLines } from './notice-lines.js'
import { oneLine } from './one-line.js'
import { type Paint, widthOf } from './paint.js'
import type { Status } from './status.js'

/** What `watch` shows and remembers between keys; the caller puts fresh status and events into it. */
export type Watch = {
  readonly status?: Status
  readonly events: readonly StoredEvent[]
  /** Identity of the selected row, so that it stays selected while others come and go. */
  readonly selected?: string
  /** An action that waits for `y`. */
  readonly asks?: Action
  /** The answer to the last action, or why there is no fresh status. */
  readonly message?: string
}

/** What the caller must do, then show the answer as `message`. */
export type Action =
  | { readonly do: 'quit' }
  | { readonly do: 'override'; readonly verb: 'drain' | 'maint' | 'ready'; readonly server: string }
  | { readonly do: 'failover'; readonly router: string; readonly back: boolean }

export const emptyWatch: Watch = { events: [] }

type Row = {
  readonly id: string
  readonly router?: RouterStatus
  readonly server?: RealServerStatus
  readonly name: string
}

/** What a key does. Whatever touches traffic is asked back once. Pure. @param key as readline names it */
export function watchKey(watch: Watch, key: string): { readonly watch: Watch; readonly action?: Action } {
  const { asks, ...rest } = watch
  if (asks) return key === 'y' ? { watch: rest, action: asks } : { watch: rest }
  const rows = rowsOf(watch.status)
  const at = Math.max(
    0,
    rows.findIndex(({ id }) => id === watch.selected),
  )
  const select = (index: number) => {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)]
    return { watch: row ? { ...watch, selected: row.id } : watch }
  }
  switch (key) {
    case 'q':
    case 'C-c':
      return { watch, action: { do: 'quit' } }
    case 'up':
    case 'k':
      return select(at - 1)
    case 'down':
    case 'j':
      return select(at + 1)
    case 'pageup':
      return select(at - 10)
    case 'pagedown':
      return select(at + 10)
  }
  const asked = question(rows[at], key)
  return asked ? { watch: { ...watch, asks: asked } } : { watch }
}

function question(row: Row | undefined, key: string): Action | undefined {
  if (row?.server && key === 'd') return { do: 'override', verb: 'drain', server: row.name }
  if (row?.server && key === 'm') return { do: 'override', verb: 'maint', server: row.name }
  if (row?.server && key === 'r') return { do: 'override', verb: 'ready', server: row.name }
  if (row?.router && key === 'f') return { do: 'failover', router: row.name, back: row.router.behind !== undefined }
  return undefined
}

function rowsOf(status: Status | undefined): Row[] {
  const routers = status?.routers.map(router => ({ id: `router ${router.name}`, router, name: router.name })) ?? []
  const servers = status?.services.flatMap(service =>
    service.realServers.map(server => {
      const name = `${service.name}/${serverKey(server)}`
      return { id: `server ${name}`, server, name }
    }),
  )
  return [...routers, ...(servers ?? [])]
}

/** The whole screen, exactly `height` lines of at most `width` columns. Pure. */
export function watchScreen(
  watch: Watch,
  { width, height, paint }: { width: number; height: number; paint: Paint },
): string[] {
  const { status, events, message } = watch
  const footer = [paint('dim', cut(help(watch), width))]
  if (!status) return fill([cut(message ?? 'waiting for the director ...', width)], footer, height)
  const rows = rowsOf(status)
  const selected = Math.max(
    0,
    rows.findIndex(({ id }) => id === watch.selected),
  )
  const notices = noticeLines(status.notices, paint, width).slice(0, Math.max(2, Math.floor(height / 4)))
  const recent = Math.max(2, Math.floor(height / 5))
  const history = events.slice(-recent).map(event => cut(eventLine(event, paint), width))
  const room = Math.max(3, height - notices.length - history.length - footer.length - 5)
  const top = Math.min(Math.max(0, selected - Math.floor(room / 2)), Math.max(0, rows.length - room))
  const lines = columns(
    rows.map(row => cells(row, status.at, paint)),
    width,
  )
  const shown = lines
    .slice(top, top + room)
    .map((line, index) => (top + index === selected ? mark(line, width, paint) : line))
  const { node, at, since, config } = status
  const title = `${paint('bold', node)}  up ${age(at - since)}, generation ${config.generation}, ${new Date(at).toLocaleTimeString('sv')}`
  const body = [
    cut(message === undefined ? title : `${title}  ${paint('yellow', oneLine(message))}`, width),
    '',
    ...shown,
    '',
    ...(notices.length > 0 ? notices : [paint('green', 'Everything is normal.')]),
    '',
    ...history,
  ]
  return fill(body, footer, height)
}

function cells({ router, server, name }: Row, now: number, paint: Paint): string[] {
  if (router) {
    const colour = { master: 'green', backup: 'cyan', init: 'yellow', fault: 'red' } as const
    const { state, since, priority, vips } = router
    return [
      'router',
      name,
      paint(colour[state], state),
      age(now - since),
      `${priority.effective}`,
      oneLine(`${causeText(router)}; ${vips.join(' ')}`),
    ]
  }
  if (!server) return [name]
  const colour = {
    up: 'green',
    unchecked: 'cyan',
    down: 'red',
    unknown: 'yellow',
    drain: 'yellow',
    maint: 'yellow',
  } as const
  const { state, since, kernelWeight, connections, checks } = server
  const results = checks.map(({ last }) => (last ? `${last.layer} ${last.detail ?? ''}`.trim() : '-')).join(', ')
  return [
    'server',
    name,
    paint(colour[state], state),
    age(now - since),
    `${kernelWeight ?? '-'}`,
    oneLine(`${connections?.active ?? '-'} conns, ${results}`),
  ]
}

/** The selected row in reverse; its own colours would end the reverse, so it goes without. */
function mark(line: string, width: number, paint: Paint): string {
  const bare = stripVTControlCharacters(line)
  return paint('inverse', bare + ' '.repeat(Math.max(0, width - widthOf(bare))))
}

function help({ asks }: Watch): string {
  if (!asks || asks.do === 'quit') return 'up/down select   d drain   m maint   r ready   f fail over   q quit'
  const what =
    asks.do === 'failover'
      ? `${asks.back ? 'end the failover of' : 'fail over'} ${asks.router}`
      : `${asks.verb} ${asks.server}`
  return `${what}?  y yes, any other key no`
}

function fill(body: readonly string[], footer: readonly string[], height: number): string[] {
  const room = Math.max(0, height - footer.length)
  const shown = body.slice(0, room)
  return [...shown, ...Array.from({ length: room - shown.length }, () => ''), ...footer]
}
