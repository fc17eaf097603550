import { execFileSync } from 'node:child_process'
import { type Artefact, type Format, networkdFiles, planText, script, sysctlFile } from './files.js'
import type { Half } from './half.js'
import { shell, stepsFor } from './steps.js'

/** The text that `lvskeeper realserver prepare` prints: the plan, or files as they are to be written. */
export function prepareRealServer(half: Half, format: Format): string {
  if (format === 'plan') return planText(half)
  return artefacts(half, format)
    .map(({ path, content }, index, all) =>
      all.length > 1 ? `${index > 0 ? '\n' : ''}#### ${path}\n${content}` : content,
    )
    .join('')
}

/** Files to be written, with path and mode. */
export function artefacts(half: Half, format: Exclude<Format, 'plan'>): Artefact[] {
  if (format === 'script') return [script(half)]
  return format === 'sysctl' ? [sysctlFile(half)] : networkdFiles(half)
}

export type Applied = { readonly command: string; readonly error?: string }

/** Does it, here and now, step by step; stops at the first step that fails: the VIP must not come before the silence. */
export function applyRealServer(half: Half): Applied[] {
  const done: Applied[] = []
  for (const { run } of stepsFor(half)) {
    const [program = '', ...args] = run
    try {
      execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: 30_000 })
      done.push({ command: shell(run) })
    } catch (error) {
      const said = reason(error)
      // `ip fou add` has no `replace`: a port that is open already is what we wanted.
      if (run[1] === 'fou' && /File exists|Address already in use/.test(said)) done.push({ command: shell(run) })
      else return [...done, { command: shell(run), error: said }]
    }
  }
  return done
}

function reason(error: unknown): string {
  const { stderr, message } = error as { readonly stderr?: string; readonly message?: string }
  return (stderr?.trim() || message || String(error)).split('\n')[0] ?? ''
}
