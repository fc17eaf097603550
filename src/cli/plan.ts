import { formatProblem } from '../../config/problem.js'
import type { PlanAnswer } from '../api/handlers.js'
import { fileTrouble } from '../file-trouble.js'
import type { Status } from '../status/status.js'
import { exit, type Run } from './command.js'
import { controlClient, statusClient, withDaemon } from './daemon.js'
import { loadFile } from './load-file.js'

/** What a reload of the file would change. The file is read here, with the caller's rights. */
export const plan: Run = call =>
  withDaemon(call, async () => {
    const { args, options, out, err } = call
    const { node, config } = await statusClient(options).get<Status>('/v1/status')
    const file = args[0] ?? config.file
    let result: ReturnType<typeof loadFile>
    try {
      result = loadFile(file, { node })
    } catch (error) {
      const text = `${file}: ${fileTrouble(error)}`
      if (options['json']) out(`${JSON.stringify({ error: { code: 'config', text } })}\n`)
      else err(`${text}\n`)
      return exit.config
    }
    if (!result.ok) {
      const text = `${file} is not valid: a reload would refuse it`
      if (options['json']) {
        out(`${JSON.stringify({ error: { code: 'config', text, details: { errors: result.errors } } })}\n`)
        return exit.config
      }
      for (const problem of result.errors) err(`${formatProblem(problem)}\n`)
      err(`${text}\n`)
      return exit.config
    }
    for (const warning of result.warnings) err(`warning: ${formatProblem(warning)}\n`)
    const answer = await controlClient(options).post<PlanAnswer>('/v1/plan', { candidate: result.config })
    if (options['json']) out(`${JSON.stringify(answer)}\n`)
    else if (options['ipvsadm'] && answer.unreadable !== undefined) {
      err(`what would change in the kernel table cannot be told: ${answer.unreadable}\n`)
      return exit.unavailable
    } else if (options['ipvsadm']) out(answer.ipvsadm.map(line => `${line}\n`).join(''))
    else out(answer.text)
    return answer.changes ? exit.changes : exit.ok
  })
