import { formatProblem } from '../../config/problem.js'
import { runDoctor } from '../doctor/doctor.js'
import { formatReport } from '../doctor/finding.js'
import { fileTrouble } from '../file-trouble.js'
import { exit, type Run, text } from './command.js'
import { pathsOf } from './daemon.js'
import { loadFile } from './load-file.js'

/**
 * Validates a file. Without a director's name it is checked as every director sees it, from any machine; with --host as
 * this one, and whether this machine can do what the file asks.
 */
export const check: Run = async ({ args: [given], options, out, err }) => {
  const file = given ?? pathsOf(options).config
  const node = text(options, 'node')
  let result: ReturnType<typeof loadFile>
  try {
    result = loadFile(file, { node, static: options['host'] !== true })
  } catch (error) {
    err(`${file}: ${fileTrouble(error)}\n`)
    return exit.config
  }
  const problems = result.ok ? [] : result.errors
  const host = options['host'] && result.ok ? runDoctor({ config: result.config }) : undefined
  const code = !result.ok ? exit.config : host && host.problems > 0 ? exit.failed : exit.ok
  if (options['json']) {
    const answer = { file, valid: result.ok, errors: problems, warnings: result.warnings }
    out(`${JSON.stringify(host ? { ...answer, host } : answer)}\n`)
    return code
  }
  for (const problem of problems) err(`${formatProblem(problem)}\n`)
  for (const warning of result.warnings) err(`warning: ${formatProblem(warning)}\n`)
  if (!result.ok) {
    err(`${file}: ${count(problems.length, 'error')}, ${count(result.warnings.length, 'warning')}\n`)
    if (problems.every(({ code }) => code.startsWith('yaml-')))
      err('(what it says was not looked at: it cannot be read as YAML)\n')
    return exit.config
  }
  const { routers, services } = result.config
  const servers = services.reduce((sum, service) => sum + service.realServers.length, 0)
  out(
    `${file}: valid (${count(routers.length, 'virtual router')}, ${count(services.length, 'virtual server')}, ${count(servers, 'real server')}; ${count(result.warnings.length, 'warning')})\n`,
  )
  if (host) out(formatReport(host))
  return code
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
