import { formatProblem, type Problem } from '../../config/problem.js'
import { ApiError } from '../api/client.js'
import type { Change } from '../api/handlers.js'
import { exit, given, type Run } from './command.js'
import { controlClient, printChange, withDaemon } from './daemon.js'

/** Answers when the new configuration is applied, or why it is not; a refused one changes nothing. */
export const reload: Run = call =>
  withDaemon(call, async () => {
    const { options, err } = call
    const body = { ...given(options, 'confirm'), ...given(options, 'reason') }
    try {
      return printChange(call, await controlClient(options).post<Change>('/v1/reload', body))
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'config' || options['json']) throw error
      for (const problem of (error.details as { errors?: readonly Problem[] })?.errors ?? [])
        err(`${formatProblem(problem)}\n`)
      err(`${error.message}; what runs is unchanged\n`)
      return exit.config
    }
  })

/** Keeps what `reload --confirm` applied. */
export const confirm: Run = call =>
  withDaemon(call, async () =>
    printChange(call, await controlClient(call.options).post<Change>('/v1/confirm', given(call.options, 'reason'))),
  )
