import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import type { Config } from '../../config/config.js'
import { version } from '../version.js'

/** What runs now, resolved: a restarted control process starts from it (docs/decisions/0003). Holds secrets: 0600. */
export type Applied = {
  readonly version: string
  readonly config: Config
  readonly generation: number
  readonly loadedAt: number
  /** Runs until then only, unless it is confirmed; `before` is what it goes back to. */
  readonly confirm?: { readonly until: number; readonly before: Config }
}

export function writeApplied(path: string, applied: Omit<Applied, 'version'>): void {
  const fresh = `${path}.new`
  writeFileSync(fresh, serialize({ ...applied, version }), { mode: 0o600 })
  chmodSync(fresh, 0o600)
  renameSync(fresh, path)
}

/** undefined when there is none, or another version wrote it: its shape may differ. */
export function readApplied(path: string): Applied | undefined {
  try {
    const applied = deserialize(readFileSync(path)) as Applied
    return applied.version === version ? applied : undefined
  } catch {
    return undefined
  }
}
