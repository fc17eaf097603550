import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { pino } from 'pino'
import type { Event, EventLevel, Role } from './messages.js'
import { oneLine } from './status/one-line.js'

export type Log = pino.Logger
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
export type LogOptions = {
  readonly level: LogLevel
  /** The process that speaks; every line carries it. */
  readonly role: Role | 'parent'
  readonly node?: string
  /** Readable lines instead of JSON. Default: when standard output is a terminal, and nobody asked for JSON there. */
  readonly readable?: boolean
  /** Where finished lines go. Default: standard output, written before the call returns. */
  readonly write?: (line: string) => void
}

/**
 * The log of one process: JSON lines on standard output, or readable ones on a terminal. No worker threads, and
 * written at once: the last line before a crash is the one that matters.
 */
export function createLog({ level, role, node, readable = onTerminal(), write = lineWriter(1) }: LogOptions): Log {
  const options: pino.LoggerOptions = {
    level,
    base: { role, ...(node === undefined ? {} : { node }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
  }
  return pino(options, { write: line => write(readable ? readableLine(line) : line) })
}

/** Set by `run --json`, for all processes of the director. */
export const logFormat = 'LVSKEEPER_LOG_FORMAT'

function onTerminal(): boolean {
  return process.env[logFormat] !== 'json' && isatty(1)
}

const logLevels: Readonly<Record<EventLevel, 'info' | 'warn' | 'error'>> = {
  info: 'info',
  notice: 'info',
  warning: 'warn',
  alarm: 'error',
}

/** Writes an event into the log under its stable name (docs/events.md). */
export function logEvent(log: Log, event: Event): void {
  log[logLevels[event.level]]({ event: event.name, subject: event.subject, ...event.data }, event.text)
}

/** `12:00:00.123 warn  vrrp     text  key=value`, from one of pino's JSON lines. */
export function readableLine(json: string): string {
  const { time, level, role, node: _, msg, err, ...rest } = JSON.parse(json) as Record<string, unknown>
  const pairs = Object.entries(rest).map(([key, value]) => `${key}=${printable(value)}`)
  const stack = isRecord(err) && typeof err['stack'] === 'string' ? `\n${err['stack']}` : ''
  const head = `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(role).padEnd(8)}`
  return `${[head, ...(msg === undefined ? [] : [oneLine(String(msg))]), ...pairs].filter(part => part !== '').join(' ')}${stack}\n`
}

function printable(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'undefined'
  return /^[\w.:/@%+-]+$/.test(value) ? value : JSON.stringify(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/**
 * Lines to a descriptor, written before the call returns. A reader that does not read (EAGAIN) or has gone (EPIPE)
 * costs lines, never the process; how many is said as soon as a line gets through again.
 */
export function lineWriter(fd: number): (line: string) => void {
  let lost = 0
  let torn = false

  function put(line: string): void {
    const bytes = Buffer.from(torn ? `\n${line}` : line)
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(fd, bytes, done)
      torn = done < bytes.length
    }
  }

  return line => {
    try {
      if (lost > 0) {
        put(`${JSON.stringify({ level: 'warn', time: new Date().toISOString(), msg: 'log lines lost', lost })}\n`)
        lost = 0
      }
      put(line)
    } catch {
      lost++
    }
  }
}
