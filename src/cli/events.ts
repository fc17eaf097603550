import type { StoredEvent } from '../events/store.js'
import { eventLine } from '../status/events-text.js'
import { paintFor } from '../status/paint.js'
import { exit, type Run, text } from './command.js'
import { statusClient, withDaemon } from './daemon.js'
import { followEvents } from './follow-events.js'

/** The history, oldest first; with -f what happens next, over restarts, until it is interrupted. */
export const events: Run = call =>
  withDaemon(call, async () => {
    const { options, out, err } = call
    const client = statusClient(options)
    const last = text(options, 'last') ?? '30'
    const paint = paintFor(process.stdout, process.env)
    const print = (event: StoredEvent) =>
      out(options['json'] ? `${JSON.stringify(event)}\n` : `${eventLine(event, paint)}\n`)
    if (!options['follow']) {
      for (const event of await client.get<StoredEvent[]>(`/v1/events?last=${encodeURIComponent(last)}`)) print(event)
      return exit.ok
    }
    const interrupted = new AbortController()
    process.once('SIGINT', () => interrupted.abort())
    await followEvents({ client, last, print, say: words => err(`${words}\n`), signal: interrupted.signal })
    return exit.ok
  })
