import type { Event } from '../messages.js'
import { age } from '../status/age.js'
import { type PeerView, ready } from './view.js'

/** How long something must be so before it is an alarm, ms. */
const limits = { unready: 10_000, mismatch: 10 * 60_000, secrets: 10 * 60_000, silent: 5_000, conflict: 0 }

export type Alarm = { readonly kind: keyof typeof limits; readonly subject: string; readonly text: string }

/** Alarms by identity: since when each is so (monotonic ms), and whether it has been told. */
export type Alarms = ReadonlyMap<string, Alarm & { readonly since: number; readonly told: boolean }>

const levels = {
  unready: 'alarm',
  mismatch: 'warning',
  secrets: 'warning',
  silent: 'alarm',
  conflict: 'alarm',
} as const
const endings = { unready: 'ready', mismatch: 'match', secrets: 'agreed', silent: 'heard', conflict: 'clear' } as const

/** What is wrong now, told or not. @param impostor the address of somebody who says to be us */
export function wrong(views: readonly PeerView[], hash: string, impostor: string | undefined): Alarm[] {
  const found: Alarm[] = []
  if (views.length > 0 && !views.some(ready))
    found.push({ kind: 'unready', subject: 'directors', text: 'no other director is ready to take over' })
  if (impostor !== undefined)
    found.push({ kind: 'conflict', subject: `address ${impostor}`, text: `${impostor} says that it is this director` })
  for (const { name, state, report, secretsDiffer } of views) {
    const subject = `director ${name}`
    if (state !== 'fresh') found.push({ kind: 'silent', subject, text: `${name} is not heard` })
    if (state === 'fresh' && report && report.configHash !== hash)
      found.push({ kind: 'mismatch', subject, text: `${name} runs another configuration than this director` })
    if (state === 'fresh' && secretsDiffer)
      found.push({
        kind: 'secrets',
        subject,
        text: `${name} has other secrets in the files that the configuration names`,
      })
  }
  return found
}

/** Compares what is wrong now with what was, and says what has lasted long enough and what has ended. Pure. */
export function follow(known: Alarms, now: readonly Alarm[], clock: { now: number; epoch: number }): [Alarms, Event[]] {
  const next = new Map<string, Alarm & { since: number; told: boolean }>()
  const events: Event[] = []
  for (const alarm of now) {
    const key = `${alarm.kind} ${alarm.subject}`
    const since = known.get(key)?.since ?? clock.now
    const told = known.get(key)?.told ?? false
    const due = clock.now - since >= limits[alarm.kind]
    if (due && !told) events.push(begin(alarm, clock.now - since, clock.epoch))
    next.set(key, { ...alarm, since, told: told || due })
  }
  for (const [key, alarm] of known) if (alarm.told && !next.has(key)) events.push(end(alarm, clock))
  return [next, events]
}

function begin({ kind, subject, text }: Alarm, lasts: number, at: number): Event {
  const since = lasts >= 1_000 ? ` for ${age(lasts)}` : ''
  return { at, name: `peer.${kind}`, level: levels[kind], subject, text: `${text}${since}` }
}

function end({ kind, subject, text, since }: Alarm & { since: number }, clock: { now: number; epoch: number }): Event {
  const lasted = age(clock.now - since)
  return {
    at: clock.epoch,
    name: `peer.${endings[kind]}`,
    level: 'notice',
    subject,
    text: `no longer: ${text} (${lasted})`,
  }
}
