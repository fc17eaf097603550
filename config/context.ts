import type { Environment } from './environment.js'
import { type Finding, type Place, toProblem } from './finding.js'
import type { Path, Problem } from './problem.js'

/** Everything that reading a configuration touches outside of its text. */
export type Surroundings = {
  readonly env: Environment
  /** Content of a file, given its absolute path; throws like readFileSync. */
  readonly readFile: (path: string) => string
  /** Names in a folder, given its absolute path; throws like readdirSync. */
  readonly listFolder: (path: string) => readonly string[]
  /** Why the program at this absolute path cannot be run; undefined: it can. Absent: nobody looks. */
  readonly notRunnable?: (path: string) => string | undefined
  /** What belongs to directors (secrets, users, programs) may be absent where the file is only checked. */
  readonly static: boolean
}

/** Collects problems, each once. */
export type Reporter = {
  readonly errors: Problem[]
  readonly warnings: Problem[]
  error(code: string, path: Path, message: string, more?: More): void
  warn(code: string, path: Path, message: string, more?: More): void
}

type More = { readonly suggestion?: string | undefined; readonly at?: 'key' | 'value' }

/** Begins with what reading the files found already. */
export function reporter(
  place: (path: Path, at?: 'key' | 'value') => Place,
  findings: readonly Finding[],
  notices: readonly Finding[],
): Reporter {
  const errors = findings.map(found => toProblem(found))
  const warnings = notices.map(found => toProblem(found))
  const unset = new Set(errors.filter(({ code }) => code.startsWith('env-')).map(spot))
  const seen = new Set<string>()

  function add(list: Problem[], code: string, path: Path, message: string, { suggestion, at }: More = {}): void {
    const id = `${code} ${path.join(' ')} ${message}`
    if (seen.has(id)) return
    seen.add(id)
    const more = suggestion === undefined ? {} : { suggestion }
    const where = place(path, at)
    // A variable that is not set leaves its reference behind: that it is no address is no news.
    if (unset.has(spot(where))) return
    list.push(toProblem({ code, place: where, message, ...more }, path))
  }

  return {
    errors,
    warnings,
    error: (code, path, message, more) => add(errors, code, path, message, more),
    warn: (code, path, message, more) => add(warnings, code, path, message, more),
  }
}

function spot({ file, line, col }: Place): string {
  return `${file}:${line}:${col}`
}
