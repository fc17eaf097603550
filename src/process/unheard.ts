import type { Event, Message } from '../messages.js'

/** So many messages and events are kept; what control does not hear for long enough is counted. */
const most = 2_000

export type Unheard = { readonly messages: readonly Message[]; readonly lost: number }

/**
 * What control has been sent for the history and may not have kept: it is told again to the next control process, should this one
 * die or hang. A sign of life may have been on its way when a message left, so only the second one after it clears it.
 */
export function createUnheard() {
  let before: readonly Message[] = []
  let since: Message[] = []
  let size = 0
  let lost = 0

  return {
    /** A message has gone to control, or would have if there were one. */
    passed(message: Message): void {
      if (!isHistory(message)) return
      const room = most - size
      const kept = message.type === 'events' ? { ...message, events: message.events.slice(0, room) } : message
      lost += weight(message) - Math.min(weight(message), room)
      if (room === 0) return
      size += weight(kept)
      since.push(kept)
    },
    /** Control runs, and its loop turns. */
    alive(): void {
      before = since
      since = []
      size = before.reduce((sum, message) => sum + weight(message), 0)
      lost = 0
    },
    /** In their order, for the next control process; kept until that one is alive. */
    all: (): Unheard => ({ messages: [...before, ...since], lost }),
  }
}

function weight(message: Message): number {
  return message.type === 'events' ? message.events.length : 1
}

function isHistory(message: Message): boolean {
  return (
    message.type === 'event' || message.type === 'events' || (message.type === 'child' && message.state !== 'started')
  )
}

/** What two tellings of one event have in common; its text may have been added to. */
export function sameEvent({ at, name, subject }: Event): string {
  return JSON.stringify([at, name, subject])
}
