import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

/** Writes JSON so that a reader (or a crash) sees the old file or the new one, never half of it. */
export function writeJson(path: string, value: unknown, mode = 0o640): void {
  const fresh = `${path}.new`
  writeFileSync(fresh, `${JSON.stringify(value)}\n`, { mode })
  const file = openSync(fresh, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(fresh, path)
}

/** Reads JSON; undefined when there is none or it is not readable as such (the caller starts from nothing). */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
