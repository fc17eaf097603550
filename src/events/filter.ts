import type { Epoch, Event, EventLevel } from '../messages.js'

/** Which events are wanted; every condition given must hold. */
export type EventFilter = {
  /** Names, or families with a star: `server.*`. */
  readonly names?: readonly string[] | undefined
  /** At least this level. */
  readonly level?: EventLevel | undefined
  /** Part of the subject, any case: `web`, `10.9.0.21`. */
  readonly subject?: string | undefined
  /** Not older than this. */
  readonly since?: Epoch | undefined
}

export const eventLevels = ['info', 'notice', 'warning', 'alarm'] as const satisfies readonly EventLevel[]

/** Whether an event passes a filter. */
export function matches(event: Event, { names, level, subject, since }: EventFilter): boolean {
  return (
    (names === undefined || names.some(name => nameMatches(event.name, name))) &&
    (level === undefined || atLeast(event.level, level)) &&
    (subject === undefined || event.subject.toLowerCase().includes(subject.toLowerCase())) &&
    (since === undefined || event.at >= since)
  )
}

/** Whether `level` is as grave as `least`, or graver. */
export function atLeast(level: EventLevel, least: EventLevel): boolean {
  return eventLevels.indexOf(level) >= eventLevels.indexOf(least)
}

/** `server.*` names a family, `*` everything, anything else itself. */
function nameMatches(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}
