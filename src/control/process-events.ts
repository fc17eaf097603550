import type { Event, Message } from '../messages.js'
import { event } from './state.js'

/** What the history keeps of a child's death or of the spare's taking over; undefined for the rest. */
export function processEvent(message: Extract<Message, { type: 'child' }>): Event | undefined {
  const { role, pid, state, follows } = message
  if (state === 'died')
    return event(
      'process.died',
      'warning',
      `process ${role}`,
      `${role} died (${message.reason}); ${follows === 'spare' ? 'its spare' : 'another process'} takes its place`,
      { pid, ...(follows ? { follows } : {}) },
    )
  if (state === 'promoted')
    return event(
      'process.promoted',
      // The death has been told as a warning; and a planned restart is no trouble.
      'info',
      `process ${role}`,
      `the spare ${role} process goes on with the ${role === 'vrrp' ? 'adverts' : 'checks'}`,
      { pid },
    )
  return undefined
}
