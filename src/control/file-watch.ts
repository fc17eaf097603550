import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { loadFile } from '../cli/load-file.js'
import type { State } from './state.js'

/**
 * Says in `status` that somebody edited the file and has not reloaded, and takes back why the last reload was refused once the file is
 * valid again. Cheap: the file is only read when it changed.
 */
export function createFileWatch(state: Pick<State, 'file' | 'config' | 'differs' | 'refused'>) {
  let seen = ''
  return () => {
    try {
      const stamp = stampOf([...new Set([state.file, ...state.config.files])])
      if (stamp === seen) return
      seen = stamp
      const result = loadFile(state.file, { node: state.config.node.name })
      state.differs = !result.ok || result.config.hash !== state.config.hash
      if (result.ok) state.refused = undefined
    } catch {
      state.differs = true
    }
  }
}

/** Changes with any of the files that were read, and when a file comes or goes beside an included one. */
function stampOf(files: readonly string[]): string {
  const folders = files.slice(1).map(file => dirname(file))
  return [...files, ...new Set(folders)]
    .map(path => statSync(path))
    .map(({ mtimeMs, size }) => `${mtimeMs}/${size}`)
    .join()
}
