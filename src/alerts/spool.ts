import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Epoch, EventLevel } from '../messages.js'
import type { Alert } from './alert.js'

/** What one channel still has to deliver, and the conditions it has told of: on disk, so that a restart loses nothing. */
export type Spool = {
  /** Oldest first. */
  waiting(): readonly Alert[]
  put(alert: Alert): void
  /** Delivered or given up. */
  done(alerts: readonly Alert[]): void
  /** When the condition was last told, and how grave it was; undefined: not open. */
  told(key: string): Told | undefined
  /** All that are open. */
  conditions(): readonly (readonly [key: string, told: Told])[]
  open(key: string, told: Told): void
  close(key: string): void
  /** Why the queue is in memory only; undefined when it is on disk. */
  trouble(): string | undefined
}

export type Told = { readonly at: Epoch; readonly level: EventLevel }

type Line =
  | { readonly put: Alert }
  | { readonly done: readonly string[] }
  | { readonly open: string; readonly told: Told }
  | { readonly close: string }

const compactAt = 1 << 20
/** A condition whose end never came: its subject left the configuration. */
const forgetAfter = 30 * 24 * 3_600_000

/** A journal of lines, compacted when it grows. Never throws: without a disk the queue lives on in memory. */
export function openSpool(file: string): Spool {
  const queue = new Map<string, Alert>()
  const told = new Map<string, Told>()
  let trouble: string | undefined
  for (const line of readLines(file)) replay(line)

  function replay(line: Line) {
    if ('put' in line) queue.set(line.put.id, line.put)
    else if ('done' in line) for (const id of line.done) queue.delete(id)
    else if ('open' in line) told.set(line.open, line.told)
    else told.delete(line.close)
  }

  function write(line: Line) {
    replay(line)
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o755 })
      appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 })
      if (statSync(file).size > compactAt) compact()
      trouble = undefined
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error)
    }
  }

  function compact() {
    const lines: Line[] = [
      ...[...queue.values()].map(put => ({ put })),
      ...[...told].filter(([, { at }]) => Date.now() - at < forgetAfter).map(([open, told]) => ({ open, told })),
    ]
    if (lines.length === 0) return truncateSync(file)
    writeFileSync(`${file}.new`, lines.map(line => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }

  return {
    waiting: () => [...queue.values()],
    put: alert => write({ put: alert }),
    done: alerts => write({ done: alerts.map(({ id }) => id) }),
    told: key => told.get(key),
    conditions: () => [...told],
    open: (key, told) => write({ open: key, told }),
    close: key => write({ close: key }),
    trouble: () => trouble,
  }
}

/** The whole lines; the last one may be torn by a crash. */
function readLines(file: string): Line[] {
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  return text.split('\n').flatMap(line => {
    try {
      return [JSON.parse(line) as Line]
    } catch {
      return []
    }
  })
}
