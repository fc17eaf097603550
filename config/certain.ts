import type { Broken } from './broken-entries.js'
import type { Reporter } from './context.js'
import { looksAt } from './looks-at.js'
import type { Path } from './problem.js'
import { namedParts } from './schema/file.js'

/** With more than this only those are told that look at nothing else: to ask each for each would take long. */
const most = 2000

/**
 * Hands on only what is a mistake whatever the broken values should have been: what looks at one of them waits until it can be read.
 */
export function certain(report: Reporter, broken: readonly Broken[]): Reporter {
  if (broken.length === 0) return report
  const wholes = new Set(broken.filter(({ path }) => path.length === 1).map(({ path }) => path[0]))
  function waits(code: string, path: Path): boolean {
    const needs = looksAt[code]
    if (needs === undefined) return true
    return needs.some(need => {
      if (need.startsWith('=')) return wholes.has(need.slice(1))
      return broken.length > most || broken.some(one => depends(need, path, one))
    })
  }
  return {
    ...report,
    error: (code, path, ...more) => {
      if (!waits(code, path)) report.error(code, path, ...more)
    },
    warn: (code, path, ...more) => {
      if (!waits(code, path)) report.warn(code, path, ...more)
    },
  }
}

/** Whether what a rule looks at (a word of `looksAt`) is this broken value. */
export function depends(need: string, path: Path, { path: gone, beside }: Broken): boolean {
  const [part] = gone
  if (need.startsWith('/')) {
    const [other = '', key = ''] = need.slice(1).split('.')
    return part === other && (key === '' || gone.length < 3 || steps(gone, beside).some(step => step(key)))
  }
  const entry = (namedParts as readonly unknown[]).includes(part) || part === 'alerts' ? 2 : 1
  if (!begins(path, gone.slice(0, entry))) return false
  if (gone.length <= entry) return true
  if (need === '.') return begins(gone, path)
  const anywhere = need.startsWith('~')
  if (!anywhere && elsewhere(path, gone)) return false
  const key = anywhere ? need.slice(1) : need
  if (key.endsWith('*')) return steps(gone.slice(entry), beside).some(step => step(key.slice(0, -1)))
  return steps(gone.slice(entry), beside).at(-1)?.(key) ?? false
}

/** In another entry of the same list. */
function elsewhere(path: Path, gone: Path): boolean {
  const at = path.findIndex((step, index) => gone[index] !== '*' && step !== gone[index])
  return at >= 0 && typeof path[at] === 'number' && typeof gone[at] === 'number'
}

function begins(path: Path, start: Path): boolean {
  return start.every((step, index) => step === '*' || path[index] === '*' || path[index] === step)
}

/** Each step of a path as a question: is it this key? */
function steps(path: Path, beside: ReadonlySet<string> | undefined): ((key: string) => boolean)[] {
  return path
    .filter(step => typeof step === 'string')
    .map(step => (step === '?' && beside !== undefined ? key => !beside.has(key) : key => step === key))
}
