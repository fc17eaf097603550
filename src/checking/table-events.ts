import type { Event } from '../messages.js'

/** The event of a virtual server that turned; undefined for the first word of all when it is the one hoped for. */
export function serviceEvent(
  name: string,
  from: string | undefined,
  { state, weightUp, quorum, sorry }: { state: 'up' | 'down'; weightUp: number; quorum: number; sorry: boolean },
  at: number,
): Event | undefined {
  if (from === undefined && state === 'up') return undefined
  const tail = sorry && state === 'down' ? '; the sorry server answers' : ''
  return {
    at,
    name: `service.${state}`,
    level: state === 'up' ? 'notice' : 'alarm',
    subject: `service ${name}`,
    text: `service ${name} is ${state}: weight ${weightUp} of quorum ${quorum}${tail}`,
    data: { service: name, weightUp, quorum, sorry },
  }
}
