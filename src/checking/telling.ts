import type { Monitor } from '../../checkers/monitor.js'
import type { Address, CheckCount, CheckEngine, Event, Message, TableReport } from '../messages.js'

/** What control is told of, read when it is. */
export interface TellingPorts {
  send(to: Address, message: Message): void
  /** By name, with the hash of what it was told. */
  holds(): Readonly<Record<string, string>>
  table(): TableReport
  /** Clients' paths that are broken; undefined where this director can probe none. */
  paths(): readonly number[] | undefined
  checked(): { readonly checks: readonly CheckCount[]; readonly lag: number; readonly engine: CheckEngine }
}

/** Turns of one moment are one message. */
const together = 10

/** Tells control what this process finds; of what is as it was told before, nothing. */
export function createTelling({ send, holds, table, paths, checked }: TellingPorts) {
  let pathsSaid: string | undefined
  let tableSaid: string | undefined
  let pathsDue = false
  let events: Event[] = []

  function tellEvents(): void {
    const [event, ...more] = events
    if (event) send('control', more.length === 0 ? { type: 'event', event } : { type: 'events', events })
    events = []
  }

  function tellPaths(): void {
    const broken = paths()
    const said = JSON.stringify(broken ?? null)
    if (said === pathsSaid) return
    pathsSaid = said
    send('control', { type: 'paths', ...(broken === undefined ? {} : { broken }) })
  }

  return {
    event(event: Event): void {
      if (events.push(event) === 1) setTimeout(tellEvents, together)
    },
    /** What this process carries out; `fresh`: it knows nothing yet. */
    hello(fresh: boolean): void {
      send('control', { type: 'hello', role: 'checkers', pid: process.pid, fresh, holds: holds() })
    },
    table(): void {
      const report = table()
      const said = JSON.stringify(report)
      if (said === tableSaid) return
      tableSaid = said
      send('control', { type: 'table-status', table: report })
    },
    /** Attempts and the engine since this was told last. */
    checked(): void {
      send('control', { type: 'checked', ...checked() })
      tellPaths()
    },
    /** The other directors hear at once what this one finds along the clients' way. */
    pathsTurned(): void {
      if (pathsDue) return
      pathsDue = true
      setTimeout(() => {
        pathsDue = false
        tellPaths()
      }, together)
    },
    /** Control has started again. */
    again(): void {
      pathsSaid = undefined
      tableSaid = undefined
    },
  }
}

/** The engine in the words of the metrics. */
export function engineReport({
  checks,
  inFlight,
  queued,
  lag,
  watch,
  knocks,
}: ReturnType<Monitor['metrics']>): CheckEngine {
  const watching = { watched: watch.held, unwatched: watch.lacking }
  return { checks, inFlight, queued, lag: lag.p99, ...watching, knockedAt: knocks.targets, knocks: knocks.made }
}

/** Whether watch connections are wanting, for the table of what is not as it should be. */
export function unwatched({ metrics }: Pick<Monitor, 'metrics'>): Pick<TableReport, 'unwatched'> {
  const { lacking, budget } = metrics().watch
  return lacking === 0 ? {} : { unwatched: { targets: lacking, room: budget } }
}
