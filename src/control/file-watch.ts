import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { loadFile } from '../cli/load-file.js'
import { sameConfig } from './same-config.js'
import type { State } from './state.js'

/** A refusal may have been mended where no stamp shows it (a secret, a user, a program): looked at again so often. */
const lookAgain = 60_000

/**
 * Says in `status` that somebody edited the file and has not reloaded, and takes back why the last reload was refused once the file is
 * valid again. Cheap: the file is only read when it, or one that it includes, changed.
 */
export function createFileWatch(
  state: Pick<State, 'file' | 'config' | 'differs' | 'refused'>,
  now = () => performance.now(),
) {
  let seen = ''
  let readAt = Number.NEGATIVE_INFINITY
  let included: readonly string[] = []
  return () => {
    try {
      const stamp = stampOf([...new Set([state.file, ...state.config.files, ...included])])
      const again = state.refused !== undefined && now() - readAt >= lookAgain
      if (stamp === seen && !again) return
      seen = stamp
      readAt = now()
      // A program that has gone since is no edit of the file; it may be why a reload was refused.
      const programs = state.refused !== undefined
      const result = loadFile(state.file, { node: state.config.node.name, programs })
      included = result.ok ? result.config.files : result.files
      state.differs = !result.ok || !sameConfig(result.config, state.config)
      if (result.ok) state.refused = undefined
    } catch {
      // It may come back with the time and the size that it had.
      seen = ''
      state.differs = true
    }
  }
}

/** Changes with any of the files that were read, also when one takes the place of another, and when one comes or goes beside them. */
function stampOf(files: readonly string[]): string {
  const folders = files.slice(1).map(file => dirname(file))
  return [...files, ...new Set(folders)]
    .map(path => statSync(path, { bigint: true, throwIfNoEntry: false }))
    .map(found => (found ? `${found.mtimeNs}/${found.ctimeNs}/${found.ino}/${found.size}` : 'gone'))
    .join()
}
