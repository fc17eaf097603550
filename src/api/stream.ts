import type { EventFilter } from '../events/filter.js'
import { matches } from '../events/filter.js'
import type { StoredEvent } from '../events/store.js'
import type { ApiHandlers } from './handlers.js'

const heartbeat = 15_000
const mostWaiting = 5_000

/**
 * Events as they happen, after those that the client has missed: server-sent events or JSON lines. A client that does not
 * read is cut off before it costs memory; it comes back with the last number it saw.
 */
export function eventStream(
  events: ApiHandlers['events'],
  {
    first,
    filter,
    sse,
    ended,
  }: { first: readonly StoredEvent[]; filter: EventFilter; sse: boolean; ended: () => void },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let stop = () => {}
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const put = (event: StoredEvent) => controller.enqueue(encoder.encode(sse ? asSse(event) : asLine(event)))
        const unfollow = events.follow(event => {
          if (!matches(event, filter)) return
          if ((controller.desiredSize ?? 0) < -mostWaiting) {
            stop()
            controller.error(new Error('the client does not read'))
          } else put(event)
        })
        // A line now and then lets both ends notice that the other has gone.
        const timer = setInterval(() => controller.enqueue(encoder.encode(sse ? ': alive\n\n' : '\n')), heartbeat)
        stop = () => {
          unfollow()
          clearInterval(timer)
          stop = () => {}
          ended()
        }
        for (const event of first) put(event)
      },
      cancel: () => stop(),
    },
    new CountQueuingStrategy({ highWaterMark: 100 }),
  )
}

function asSse(event: StoredEvent): string {
  return `id: ${event.seq}\nevent: ${event.name}\ndata: ${JSON.stringify(event)}\n\n`
}

function asLine(event: StoredEvent): string {
  return `${JSON.stringify(event)}\n`
}
