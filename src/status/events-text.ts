import type { StoredEvent } from '../events/store.js'
import { oneLine } from './one-line.js'
import { type Paint, plain } from './paint.js'

const colours = { info: 'dim', notice: 'cyan', warning: 'yellow', alarm: 'red' } as const

/** One line per event in local time: `2026-03-01 12:00:00.123 warning server.down  web/10.9.0.22:80 ...`. */
export function eventLine(event: StoredEvent, paint: Paint = plain): string {
  const name = event.name.padEnd(18)
  return `${stamp(event.at)} ${paint(colours[event.level], event.level.padEnd(7))} ${name} ${oneLine(event.text)}`
}

/** Local time with milliseconds: what people compare with their own watch and logs. */
export function stamp(at: number): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
