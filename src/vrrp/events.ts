import type { Note, NoticeCode } from '../../vrrp/note.js'
import type { Event, EventLevel } from '../messages.js'
import { causes } from '../status/causes.js'
import type { AddressConflict } from './conflicts.js'
import type { Stray } from './strays.js'

/** How grave a notice is; what is not listed is a warning. */
const levels: Readonly<Partial<Record<NoticeCode, EventLevel>>> = {
  'two-masters': 'alarm',
  stranger: 'alarm',
  'claim-refused': 'alarm',
  'no-taker': 'alarm',
  unwitnessed: 'alarm',
  'handed-over': 'notice',
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
  // The transition that follows tells it.
  if (note.type !== 'notice' || note.code === 'wants-master' || note.code === 'will-preempt') return undefined
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

/** The kernel would not prolong or remove a VIP. `left`: how many of the same were left out. */
export function addressesEvent(router: string, why: string, left: number, at: number): Event {
  return {
    at,
    name: 'vrrp.renew-refused',
    level: 'alarm',
    subject: `router ${router}`,
    text: `router ${router}: the kernel refused to keep a VIP: ${why}${more(left)}`,
    data: { router, ...(left > 0 ? { suppressed: left } : {}) },
  }
}

export function conflictEvent(conflict: AddressConflict, at: number): Event {
  const { router, address, mac, owner, director } = conflict
  const who = owner === undefined ? mac : `${owner} (${mac})`
  return {
    at,
    name: 'vrrp.address-conflict',
    level: director ? 'warning' : 'alarm',
    subject: `router ${router}`,
    text: `router ${router}: ${who} on ${conflict.interface} has ${address} as well`,
    data: { router, address, interface: conflict.interface, mac, ...(owner === undefined ? {} : { owner }) },
  }
}

/** What to tell of one second's strays: each vrid of others, and each reason, once in a while. */
export function strayEvents(
  name: string,
  strays: readonly Stray[],
  mayTell: (kind: string) => number | undefined,
  at: number,
): Event[] {
  const subject = `interface ${name}`
  return strays.flatMap(({ reason, from, foreign }): Event[] => {
    const left = mayTell(`stray ${name} ${foreign ? foreign.vrid : reason}`)
    if (left === undefined) return []
    const suppressed = left > 0 ? { suppressed: left } : {}
    if (foreign) {
      const { vrid, priority } = foreign
      const text = `${from} advertises virtual router ${vrid} (priority ${priority}) on ${name}, which is none of this director's`
      const data = { interface: name, from, vrid, priority, ...suppressed }
      return [{ at, name: 'vrrp.foreign-vrid', level: 'notice', subject, text, data }]
    }
    const text = `a packet of ${from} on ${name} was no advert for this director: ${reason}${more(left)}`
    return [
      {
        at,
        name: 'vrrp.stray',
        level: 'warning',
        subject,
        text,
        data: { interface: name, from, reason, ...suppressed },
      },
    ]
  })
}

function more(left: number): string {
  return left > 0 ? ` (${left} more of the same were left out)` : ''
}
