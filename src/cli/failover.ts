import type { Change } from '../api/handlers.js'
import { exit, type Run, text } from './command.js'
import { controlClient, printChange, withDaemon } from './daemon.js'

/** Gives a virtual router to the best other director, or ends that. */
export const failover: Run = call =>
  withDaemon(call, async () => {
    const { args, options } = call
    const reason = text(options, 'reason')
    const body = {
      router: args[0],
      back: options['back'] === true,
      force: options['force'] === true,
      ...(reason ? { reason } : {}),
    }
    return printChange(call, await controlClient(options).post<Change>('/v1/failover', body))
  })

/** Sends the whole director away, or takes it back. */
export const maintenance: Run = call =>
  withDaemon(call, async () => {
    const { args, options, err } = call
    if (args[0] !== 'on' && args[0] !== 'off') {
      err(`maintenance: expected on or off, not '${args[0] ?? ''}'\n`)
      return exit.usage
    }
    const reason = text(options, 'reason')
    const lasts = text(options, 'for')
    const body = {
      on: args[0] === 'on',
      force: options['force'] === true,
      ...(reason ? { reason } : {}),
      ...(lasts ? { for: lasts } : {}),
    }
    return printChange(call, await controlClient(options).post<Change>('/v1/maintenance', body))
  })
