import type { Event } from '../messages.js'
import type { Alert } from './alert.js'

/**
 * Words that begin a condition, and the one that ends it: `server.down` ... `server.up`. What neither begins nor ends
 * anything is a note. Families that do not follow the words are listed below.
 */
const pairs: Readonly<Record<string, string>> = {
  down: 'up',
  lost: 'found',
  silent: 'heard',
  mismatch: 'match',
  failed: 'recovered',
  unready: 'ready',
  conflict: 'clear',
  rejected: 'applied',
}

const endings = new Map(Object.entries(pairs).map(([begin, end]) => [end, begin]))

/** What an event means for a receiver that keeps conditions open until they are resolved. */
export function condition(event: Event): Pick<Alert, 'key' | 'phase'> {
  const dot = event.name.lastIndexOf('.')
  const family = event.name.slice(0, dot)
  const word = event.name.slice(dot + 1)
  if (event.name === 'vrrp.state') return virtualRouter(event)
  // What a person did is done: `ready` ends an override, not a condition.
  if (family === 'audit') return { key: `${event.name} ${event.subject}`, phase: 'note' }
  if (word in pairs) return { key: `${family}.${word} ${event.subject}`, phase: 'trigger' }
  const begin = endings.get(word)
  if (begin !== undefined) return { key: `${family}.${begin} ${event.subject}`, phase: 'resolve' }
  return { key: `${event.name} ${event.subject}`, phase: 'note' }
}

/** A fault lasts; master and backup are both normal, and each change between them is news of its own. */
function virtualRouter(event: Event): Pick<Alert, 'key' | 'phase'> {
  const key = `vrrp.fault ${event.subject}`
  if (event.data?.['to'] === 'fault') return { key, phase: 'trigger' }
  if (event.data?.['from'] === 'fault') return { key, phase: 'resolve' }
  return { key: `vrrp.state ${event.subject}`, phase: 'note' }
}
