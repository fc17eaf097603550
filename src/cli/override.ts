import type { Change } from '../api/handlers.js'
import { type Call, exit, type Run, text } from './command.js'
import { controlClient, printChange, withDaemon } from './daemon.js'

/** Sends one override for the real server that the first argument names. */
function override(verb: string, extra: (call: Call) => Readonly<Record<string, unknown>> | string = () => ({})): Run {
  return call =>
    withDaemon(call, async () => {
      const { args, options, err } = call
      const more = extra(call)
      if (typeof more === 'string') {
        err(`${more}\n`)
        return exit.usage
      }
      const body = {
        server: args[0],
        verb,
        ...more,
        // commander turns --no-limit into limit: false.
        ...(options['limit'] === false ? { unlimited: true } : {}),
        ...given('for', text(options, 'for')),
        ...given('reason', text(options, 'reason')),
      }
      return printChange(call, await controlClient(options).post<Change>('/v1/overrides', body))
    })
}

export const drain = override('drain', ({ options }) => ({
  ...given('within', text(options, 'within')),
  ...(options['activeOnly'] === true ? { active_only: true } : {}),
}))
export const maint = override('maint')
export const weight = override('weight', ({ args }) => {
  const value = Number(args[1])
  return Number.isInteger(value) && value >= 0 && value <= 65_535
    ? { weight: value }
    : `weight: expected a whole number from 0 to 65535, not '${args[1]}'`
})

export const force: Run = call => {
  const verdict = call.args[1]
  if (verdict === 'up' || verdict === 'down') return override(`force-${verdict}`)(call)
  call.err(`force: expected up or down, not '${verdict ?? ''}'\n`)
  return Promise.resolve(exit.usage)
}

export const ready: Run = call =>
  withDaemon(call, async () => {
    const reason = text(call.options, 'reason')
    const query = new URLSearchParams({ server: call.args[0] ?? '', ...(reason ? { reason } : {}) })
    return printChange(call, await controlClient(call.options).delete<Change>(`/v1/overrides?${query}`))
  })

function given(name: string, value: string | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { [name]: value }
}
