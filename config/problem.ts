/** What is wrong with a file, where, and what would be right. Data first; text is made only here, at the edge. */

/** The way to a value in the file: mapping keys and list positions. */
export type Path = readonly (string | number)[]

export type Problem = {
  /** Stable; documented in docs/config-errors.md. */
  readonly code: string
  readonly message: string
  readonly file: string
  /** Counted from 1; 0: the file as a whole. */
  readonly line: number
  /** Counted from 1, in characters. */
  readonly col: number
  /** `virtual_servers.web.real_servers[0].weight`; empty for the whole file. */
  readonly path: string
  /** The line itself with a caret below it; empty where there is no line to show. */
  readonly snippet: string
  /** What was probably meant, or what is allowed. */
  readonly suggestion?: string
}

/** `file:line:col: message [code]`, then the line with a caret, then what would be right. */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `:${problem.line}:${problem.col}` : ''
  const head = `${problem.file}${place}: ${problem.message} [${problem.code}]`
  const lines = [head]
  if (problem.snippet !== '') lines.push(...problem.snippet.split('\n').map(line => `    ${line}`))
  if (problem.suggestion !== undefined) lines.push(`    ${problem.suggestion}`)
  return lines.join('\n')
}

/** All problems, errors before warnings, with a count at the end. */
export function formatProblems(errors: readonly Problem[], warnings: readonly Problem[]): string {
  const parts = [
    ...errors.map(formatProblem),
    ...warnings.map(warning => formatProblem({ ...warning, message: `warning: ${warning.message}` })),
  ]
  if (errors.length + warnings.length > 0)
    parts.push(`${count(errors.length, 'error')}, ${count(warnings.length, 'warning')}`)
  return parts.join('\n')
}

/** `virtual_servers.web.real_servers[0].weight`. */
export function formatPath(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('')
}

/** The line of a text with a caret under the given columns; long lines are cut around the caret. */
export function snippet(line: string, col: number, width: number): string {
  const clean = line.replace(/\t/g, ' ').replace(/\r$/, '')
  const start = col > 100 ? col - 60 : 1
  const shown = clean.slice(start - 1, start + 119)
  const carets = Math.max(1, Math.min(width, shown.length - (col - start)))
  return `${shown}\n${' '.repeat(col - start)}${'^'.repeat(carets)}`
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`
}
