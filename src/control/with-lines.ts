import type { Event } from '../messages.js'

/** Where each virtual server stands: `virtual_servers.web` -> `FILE:LINE`, as the loader says. */
export type Lines = Readonly<Record<string, string>>

/** So many places at most are named in one sentence. */
const most = 3

/** What the kernel refuses of virtual servers, with the lines of the file that want it; any other event as it is. */
export function withLines(event: Event, lines: () => Lines): Event {
  const services = event.data?.['services']
  if (event.name !== 'table.error' || !Array.isArray(services)) return event
  const known = lines()
  const places = services.flatMap(name => {
    const place = known[`virtual_servers.${name}`]
    return place === undefined ? [] : [`${name} in ${place}`]
  })
  if (places.length === 0) return event
  const more = places.length > most ? ', ...' : ''
  return {
    ...event,
    text: `${event.text} (${places.slice(0, most).join(', ')}${more})`,
    data: { ...event.data, places },
  }
}
