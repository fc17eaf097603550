import type { Config } from '../../config/config.js'
import type { Problem } from '../../config/problem.js'
import { loadFile } from '../cli/load-file.js'
import { fileTrouble } from '../file-trouble.js'
import { readApplied } from './applied.js'
import { type Pending, readPending } from './pending.js'
import type { State } from './state.js'

/** What a control process starts with. */
export type FirstConfig = Pick<State, 'config' | 'generation' | 'loadedAt' | 'differs' | 'confirm'> & {
  /** A window of `reload --confirm` that the start has ended. */
  readonly pending: Pending | 'unreadable' | undefined
}

/**
 * What ran before where this process replaces a dead one; else the last confirmed configuration where the director ended
 * inside a window of `reload --confirm`; else the file. `errors` when that is not valid.
 */
export function firstConfig({
  appliedFile,
  stateFolder,
  file,
  node,
  respawn,
}: {
  readonly appliedFile: string
  readonly stateFolder: string
  readonly file: string
  readonly node: string | undefined
  readonly respawn: boolean
}): FirstConfig | { readonly errors: readonly Problem[] } {
  const applied = respawn ? readApplied(appliedFile) : undefined
  if (applied) return { ...applied, confirm: applied.confirm, differs: false, pending: undefined }
  const pending = readPending(stateFolder)
  const start = { generation: 1, loadedAt: Date.now(), confirm: undefined, pending }
  if (pending && pending !== 'unreadable') return { ...start, config: pending.before, differs: true }
  const result = loadFile(file, { node })
  return result.ok ? { ...start, config: result.config, differs: false } : { errors: result.errors }
}

/** The file as it is now. A file that cannot be read is a problem like any other. `programs`: as in `loadFile`. */
export function readConfig(file: string, config: Config, programs = true): ReturnType<typeof loadFile> {
  try {
    return loadFile(file, { node: config.node.name, programs })
  } catch (error) {
    const message = fileTrouble(error)
    const problem: Problem = { code: 'unreadable', message, file, line: 0, col: 0, path: '', snippet: '' }
    return { ok: false, errors: [problem], warnings: [], files: [file] }
  }
}
