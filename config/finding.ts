import type { Path, Problem } from './problem.js'
import { formatPath } from './problem.js'

/** A place in a file that can be shown. */
export type Place = { readonly file: string; readonly line: number; readonly col: number; readonly snippet: string }

/** A problem that knows its place but not (yet) its path. */
export type Finding = {
  readonly code: string
  readonly place: Place
  readonly message: string
  readonly suggestion?: string
}

export function finding(code: string, place: Place, message: string, suggestion?: string): Finding {
  return { code, place, message, ...(suggestion === undefined ? {} : { suggestion }) }
}

export function toProblem({ code, place, message, suggestion }: Finding, path: Path = []): Problem {
  return { code, message, ...place, path: formatPath(path), ...(suggestion === undefined ? {} : { suggestion }) }
}
