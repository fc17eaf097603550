import type { StoredEvent } from '../events/store.js'
import { eventLine } from '../status/events-text.js'
import { paintFor } from '../status/paint.js'
import { exit, type Run, text } from './command.js'
import { statusClient, withDaemon } from './daemon.js'

/** The history, oldest first; with -f what happens next, until it is interrupted. */
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
    try {
      for await (const event of client.follow(`/v1/events?follow&last=${encodeURIComponent(last)}`, interrupted.signal))
        print(event as StoredEvent)
    } catch (error) {
      if (!interrupted.signal.aborted) throw error
    }
    if (interrupted.signal.aborted) return exit.ok
    err('the director has ended\n')
    return exit.unavailable
  })
