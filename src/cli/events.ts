import { parseDuration } from '../api/duration.js'
import { type EventFilter, eventLevels, matches } from '../events/filter.js'
import type { StoredEvent } from '../events/store.js'
import { eventLine } from '../status/events-text.js'
import { paintFor } from '../status/paint.js'
import { exit, type Options, type Run, text } from './command.js'
import { statusClient, withDaemon } from './daemon.js'
import { followEvents } from './follow-events.js'

/** The history, oldest first; with -f what happens next, over restarts, until it is interrupted. */
export const events: Run = call =>
  withDaemon(call, async () => {
    const { options, out, err } = call
    const client = statusClient(options)
    const last = text(options, 'last') ?? '30'
    const wanted = filterOf(options, Date.now())
    if (typeof wanted === 'string') {
      err(`${wanted}\n`)
      return exit.usage
    }
    const paint = paintFor(process.stdout, process.env)
    const print = (event: StoredEvent) => {
      if (matches(event, wanted)) out(options['json'] ? `${JSON.stringify(event)}\n` : `${eventLine(event, paint)}\n`)
    }
    if (!options['follow']) {
      for (const event of await client.get<StoredEvent[]>(`/v1/events?${query(last, wanted)}`)) print(event)
      return exit.ok
    }
    const interrupted = new AbortController()
    process.once('SIGINT', () => interrupted.abort())
    await followEvents({ client, last, print, say: words => err(`${words}\n`), signal: interrupted.signal })
    return exit.ok
  })

/** What is asked for, or what is wrong with how. */
function filterOf(options: Options, now: number): EventFilter | string {
  const [about, least, since] = [text(options, 'about'), text(options, 'level'), text(options, 'since')]
  const level = eventLevels.find(each => each === least)
  if (least !== undefined && level === undefined)
    return `level: expected one of ${eventLevels.join(', ')}, not '${least}'`
  const ago = since === undefined ? undefined : parseDuration(since)
  if (since !== undefined && ago === undefined)
    return `since: expected a duration with its unit, such as 2h, not '${since}'`
  return { level, subject: about, since: ago === undefined ? undefined : now - ago }
}

/** The director looks through its whole history for as many as are wanted. */
function query(last: string, { level, subject, since }: EventFilter): URLSearchParams {
  return new URLSearchParams({
    last,
    ...(level === undefined ? {} : { level }),
    ...(subject === undefined ? {} : { subject }),
    ...(since === undefined ? {} : { since: `${since}` }),
  })
}
