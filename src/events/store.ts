import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileTrouble } from '../file-trouble.js'
import type { Event } from '../messages.js'
import { type EventFilter, matches } from './filter.js'

/** An event with its place in this director's history: grows by one, over restarts too. */
export type StoredEvent = Event & { readonly seq: number }

export type EventStore = {
  /** Numbers the event, keeps it, tells the followers. Never throws: a full disk costs the file, not the event. */
  append(event: Event): StoredEvent
  /** The newest `n` that pass, oldest first. */
  recent(n: number, filter?: EventFilter): readonly StoredEvent[]
  /** Those after `seq` that are still in memory, oldest first: what a follower missed. */
  after(seq: number, filter?: EventFilter): readonly StoredEvent[]
  /** Calls `listener` with every new event; the returned function ends that. */
  follow(listener: (event: StoredEvent) => void): () => void
  /** Another bound for the file, from now on. */
  limit(maxBytes: number): void
  /** Why events are not reaching the disk at the moment; undefined when they are. */
  trouble(): string | undefined
  close(): void
}

export type EventStoreOptions = {
  /** The state folder; the history is `events.jsonl` and, rotated once, `events.1.jsonl` in it. */
  readonly directory: string
  /** The file is rotated beyond this; twice as much is the most the history takes. Default 8 MiB. */
  readonly maxBytes?: number
  /** How many events stay in memory for `recent`. Default 10,000. */
  readonly memory?: number
}

/** The history of one director: append-only JSON lines, bounded, read back at start. */
export function openEventStore({ directory, maxBytes = 8 << 20, memory = 10_000 }: EventStoreOptions): EventStore {
  let most = maxBytes
  const file = join(directory, 'events.jsonl')
  const rotated = join(directory, 'events.1.jsonl')
  const listeners = new Set<(event: StoredEvent) => void>()
  const kept = [...readLines(rotated), ...readLines(file)].slice(-memory)
  let seq = kept.at(-1)?.seq ?? 0
  let fd: number | undefined
  let size = 0
  let torn = false
  let trouble: string | undefined

  function open() {
    mkdirSync(directory, { recursive: true, mode: 0o755 })
    fd = openSync(file, 'a', 0o640)
    size = fstatSync(fd).size
    torn = size > 0 && !endsWithNewline(file)
  }

  function write(line: string) {
    try {
      if (fd === undefined) open()
      if (size > 0 && size + line.length > most) rotate()
      if (fd === undefined) return
      // A line that was cut off, by a crash or a full disk, ends here; the reader skips it.
      const bytes = Buffer.from(torn ? `\n${line}` : line)
      const written = writeSync(fd, bytes)
      size += written
      torn = written < bytes.length
      trouble = torn ? 'only part of an event could be written' : undefined
    } catch (error) {
      trouble = fileTrouble(error)
      close()
    }
  }

  function rotate() {
    close()
    renameSync(file, rotated)
    open()
  }

  function close() {
    if (fd !== undefined) closeSync(fd)
    fd = undefined
  }

  return {
    append(event) {
      const stored = { seq: ++seq, ...event }
      kept.push(stored)
      // Trimmed in larger steps: a shift for each event would move the whole array.
      if (kept.length > memory * 1.25) kept.splice(0, kept.length - memory)
      write(`${JSON.stringify(stored)}\n`)
      for (const listener of [...listeners]) listener(stored)
      return stored
    },
    recent(n, filter = {}) {
      const found: StoredEvent[] = []
      for (let i = kept.length - 1; i >= 0 && found.length < n; i--) {
        const event = kept[i]
        if (event && matches(event, filter)) found.push(event)
      }
      return found.reverse()
    },
    after: (last, filter = {}) => kept.filter(event => event.seq > last && matches(event, filter)),
    follow(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    limit: bytes => {
      most = bytes
    },
    trouble: () => trouble,
    close,
  }
}

/** Every whole line; one that is torn or not an event is skipped. */
function readLines(file: string): StoredEvent[] {
  return readText(file)
    .split('\n')
    .flatMap(line => {
      try {
        const value = JSON.parse(line) as StoredEvent
        return typeof value.seq === 'number' && typeof value.name === 'string' ? [value] : []
      } catch {
        return []
      }
    })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function endsWithNewline(file: string): boolean {
  return readText(file).endsWith('\n')
}
