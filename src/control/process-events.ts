import type { Event, Message, ToControl } from '../messages.js'
import { sameEvent } from '../process/unheard.js'
import { age } from '../status/age.js'
import { event } from './state.js'

/** What the history keeps of a child: its death, the spare's taking over, its silence; undefined for the rest. */
export function processEvent(message: Extract<Message, { type: 'child' }>): Event | undefined {
  const { role, pid, at, state, follows, silence = 0 } = message
  const tell = (name: string, level: Event['level'], text: string, data: Event['data'] = {}): Event => ({
    at,
    name,
    level,
    subject: `process ${role}`,
    text,
    data: { pid, ...data },
  })
  if (state === 'died')
    return tell(
      'process.died',
      'warning',
      `${role} died (${message.reason}); ${follows === 'spare' ? 'its spare' : 'another process'} takes its place`,
      follows ? { follows } : {},
    )
  if (state === 'promoted')
    // The death has been told as a warning; and a planned restart is no trouble.
    return tell(
      'process.promoted',
      'info',
      `the spare ${role} process goes on with the ${role === 'vrrp' ? 'adverts' : 'checks'}`,
    )
  // A machine without processor for a while is no alert; what does not come back dies, and that is one.
  if (state === 'silent')
    return tell('process.silent', 'notice', `${role} does not answer: stopped, hung, or without processor`)
  if (state === 'answers')
    return tell('process.answers', 'notice', `${role} answers again after ${age(silence)}`, { silence })
  return undefined
}

/** Of what the control process before this one was told, that which is not in the history. */
export function eventsAgain(
  { messages, lost }: Extract<ToControl, { type: 'again' }>,
  history: readonly Event[],
): Event[] {
  const kept = new Set(history.map(sameEvent))
  const told = messages.flatMap(message => {
    if (message.type === 'event') return [message.event]
    if (message.type === 'events') return message.events
    return message.type === 'child' ? (processEvent(message) ?? []) : []
  })
  const missing = told.filter(each => !kept.has(sameEvent(each)))
  if (lost === 0) return missing
  const text = `up to ${lost} more events of the time without a control process are not in this history`
  return [...missing, event('events.lost', 'warning', 'process control', text, { lost })]
}
