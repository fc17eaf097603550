import type { Note, NoticeCode } from '../../vrrp/note.js'
import type { Event, EventLevel } from '../messages.js'

/** How grave a notice is; what is not listed is a warning. */
const levels: Readonly<Partial<Record<NoticeCode, EventLevel>>> = {
  'two-masters': 'alarm',
  'claim-refused': 'alarm',
  'no-taker': 'alarm',
  'handed-over': 'notice',
}

const causes: Readonly<Record<string, string>> = {
  startup: 'it started',
  resumed: 'the process before it was master',
  'no-response': 'no advert came from the master',
  priority: 'a director of higher priority is master',
  preempted: 'it has the higher priority',
  'not-master': 'another director is master',
  shutdown: 'it was told to stop',
}

/** The event of a note, for people; undefined for notes that only say "look again". */
export function noteEvent(note: Note, at: number): Event | undefined {
  if (note.type === 'transition') {
    const { router, from, to, cause, faults, master, timeline, priority } = note
    const why = to === 'fault' ? faults.join(', ') || cause : (causes[cause] ?? cause)
    const level: EventLevel = to === 'fault' ? 'alarm' : from === 'init' && to === 'backup' ? 'info' : 'notice'
    return {
      at: note.at,
      name: 'vrrp.state',
      level,
      subject: `router ${router}`,
      text: `router ${router}: ${from} -> ${to}, ${why}`,
      data: { router, from, to, cause, priority, faults, ...(master ? { master } : {}), timeline },
    }
  }
  if (note.type !== 'notice' || note.code === 'wants-master') return undefined
  const { router, code, text, data, suppressed } = note
  return {
    at,
    name: `vrrp.${code}`,
    level: levels[code] ?? 'warning',
    subject: `router ${router}`,
    text: `router ${router}: ${text}${suppressed > 0 ? ` (${suppressed} more of the same were left out)` : ''}`,
    data: { router, ...data, ...(suppressed > 0 ? { suppressed } : {}) },
  }
}
