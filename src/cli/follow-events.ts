import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiClient, ApiError } from '../api/client.js'
import type { StoredEvent } from '../events/store.js'

export type Following = {
  readonly client: Pick<ApiClient, 'get' | 'follow'>
  /** How many of the past ones come first. */
  readonly last: string
  readonly print: (event: StoredEvent) => void
  /** Sentences about the connection, for standard error. */
  readonly say: (text: string) => void
  /** Ends it. */
  readonly signal: AbortSignal
  /** Between two attempts to find a director that has gone, ms. Default 500. */
  readonly pause?: number
}

/**
 * Prints events as they happen, over restarts of the director: each once, none left out, by their numbers.
 * Resolves when it is aborted; rejects (ApiError) when the director cannot be asked at the start, or may not be later.
 */
export async function followEvents({ client, last, print, say, signal, pause = 500 }: Following): Promise<void> {
  let newest: StoredEvent | undefined

  function tell(event: StoredEvent) {
    const gap = newest === undefined ? 0 : event.seq - newest.seq - 1
    if (gap > 0)
      say(gap === 1 ? '1 event in between is not kept any more' : `${gap} events in between are not kept any more`)
    print(event)
    newest = event
  }

  for (const event of await client.get<StoredEvent[]>(`/v1/events?last=${encodeURIComponent(last)}`)) tell(event)
  for (let away = false; !signal.aborted; ) {
    try {
      const from = away ? await continuing(client, newest) : `after=${newest?.seq ?? 0}`
      if (away) say('the director is back')
      away = false
      for await (const event of client.follow(`/v1/events?follow&${from}`, signal)) tell(event as StoredEvent)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof ApiError) || error.code === 'permission') throw error
    }
    if (signal.aborted) return
    if (!away) say('the director has ended; waiting for it to come back')
    away = true
    await sleep(pause, undefined, { signal }).catch(() => {})
  }
}

/**
 * What was not seen yet. A history that has lost its newest events (a full disk, another state folder) gives their
 * numbers again: then the time tells what is new.
 */
async function continuing(client: Following['client'], newest: StoredEvent | undefined): Promise<string> {
  if (newest === undefined) return 'after=0'
  const [same] = await client.get<StoredEvent[]>(`/v1/events?after=${newest.seq - 1}`)
  const goesOn = same !== undefined && (same.seq > newest.seq || same.at === newest.at)
  return goesOn ? `after=${newest.seq}` : `after=0&since=${newest.at + 1}`
}
