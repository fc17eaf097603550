import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { Config } from '../../config/config.js'
import { version } from '../version.js'

/** What is not confirmed yet, and what runs again unless it is. */
export type Pending = { readonly until: number; readonly before: Config }

export const pendingFile = (folder: string) => join(folder, 'last-confirmed')

/** Keeps the last confirmed configuration over a restart, or a reboot, inside the window. Holds secrets: 0600. */
export function writePending(folder: string, pending: Pending | undefined): void {
  const path = pendingFile(folder)
  if (!pending) return rmSync(path, { force: true })
  const fresh = `${path}.new`
  writeFileSync(fresh, serialize({ ...pending, version }), { mode: 0o600 })
  chmodSync(fresh, 0o600)
  renameSync(fresh, path)
}

/**
 * What the director that ended inside the window must go back to; undefined when nothing waited for a confirmation.
 * `unreadable`: something did, but another version wrote it, or a full disk cut it short.
 */
export function readPending(folder: string): Pending | 'unreadable' | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(pendingFile(folder))
  } catch {
    return undefined
  }
  try {
    const pending = deserialize(bytes) as Pending & { readonly version: string }
    return pending.version === version ? { until: pending.until, before: pending.before } : 'unreadable'
  } catch {
    return 'unreadable'
  }
}
