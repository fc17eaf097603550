import { existsSync } from 'node:fs'
import { runDoctor } from '../doctor/doctor.js'
import { formatReport } from '../doctor/finding.js'
import { fileTrouble } from '../file-trouble.js'
import { exit, type Run, text } from './command.js'
import { pathsOf } from './daemon.js'
import { loadFile } from './load-file.js'

/** Looks at this machine as a director, with the file's eyes where there is one. Changes nothing. */
export const doctor: Run = async ({ options, out, err }) => {
  const file = pathsOf(options).config
  const asked = text(options, 'config') !== undefined
  let result: ReturnType<typeof loadFile> | undefined
  try {
    if (asked || existsSync(file)) result = loadFile(file, { node: text(options, 'node') })
    else err(`${file} is not there: only the machine itself is looked at\n`)
  } catch (error) {
    err(`${file}: ${fileTrouble(error)}\n`)
    return exit.config
  }
  if (result && !result.ok)
    err(`${file} is not valid (see \`lvskeeper check ${file}\`): only the machine itself is looked at\n`)
  const report = runDoctor({ run: pathsOf(options).run, ...(result?.ok ? { config: result.config } : {}) })
  out(options['json'] ? `${JSON.stringify(report)}\n` : formatReport(report))
  if (result && !result.ok) return exit.config
  return report.problems > 0 ? exit.failed : exit.ok
}
