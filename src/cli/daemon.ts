import { ApiError, apiClient } from '../api/client.js'
import { controlSocket, defaults, type Paths, statusSocket } from '../process/paths.js'
import { runningPid } from '../process/running.js'
import { type Call, exit, type Options, text } from './command.js'

/** Paths as the command line names them; the environment and the defaults fill in. */
export function pathsOf(options: Options): Paths {
  return {
    config: text(options, 'config') ?? process.env['LVSKEEPER_CONFIG'] ?? defaults.config,
    run: text(options, 'runDir') ?? process.env['LVSKEEPER_RUN_DIR'] ?? defaults.run,
    state: text(options, 'stateDir') ?? process.env['LVSKEEPER_STATE_DIR'] ?? defaults.state,
  }
}

/** May change things. */
export const controlClient = (options: Options) => apiClient(controlSocket(pathsOf(options)))
/** May only look; open to every user of the machine. */
export const statusClient = (options: Options) => apiClient(statusSocket(pathsOf(options)), lookWithin)
/** Of 37,000 real servers a status takes a second or two; somebody who waits longer needs to know that it hangs, ms. */
const lookWithin = 10_000

/** What an error means where the director runs without the process that answers: nobody shall start a second one, or believe the VIPs gone. */
export function inContext(error: ApiError, options: Options): ApiError {
  if (error.code !== 'not-running' && error.code !== 'no-answer') return error
  const pid = runningPid(pathsOf(options))
  if (pid === undefined) return error
  const how = error.code === 'not-running' ? 'is not there' : 'does not answer'
  return new ApiError(
    'no-control',
    `lvskeeper runs (pid ${pid}), but its control process ${how}: VIPs, checks and table go on as they were applied`,
  )
}

const codes: Readonly<Record<string, number>> = {
  'not-running': exit.unavailable,
  'no-control': exit.unavailable,
  'no-answer': exit.unavailable,
  ended: exit.unavailable,
  unavailable: exit.unavailable,
  permission: exit.permission,
  config: exit.config,
  invalid: exit.usage,
}

/** What a person types next. */
const next: Readonly<Record<string, string>> = {
  'not-running': '  why: journalctl -u lvskeeper -n 30    start it: systemctl start lvskeeper\n',
  ended: '  what holds now: lvskeeper status    why: journalctl -u lvskeeper -n 30\n',
  'no-control':
    '  it is started again by itself; if that fails: lvskeeper check    why: journalctl -u lvskeeper -n 30\n',
}

/** Runs what speaks to the director; an ApiError becomes a line on standard error and its exit code. */
export async function withDaemon({ options, err, out }: Call, body: () => Promise<number>): Promise<number> {
  try {
    return await body()
  } catch (raised) {
    if (!(raised instanceof ApiError)) throw raised
    const error = inContext(raised, options)
    if (options['json'])
      out(`${JSON.stringify({ error: { code: error.code, text: error.message, details: error.details } })}\n`)
    else err(`${error.message}\n${next[error.code] ?? ''}`)
    return codes[error.code] ?? exit.failed
  }
}

type Change = { readonly text: string; readonly touched?: readonly string[]; readonly warnings?: readonly string[] }

/** Prints what a change did: the sentence, what it touched, and on standard error what will not last. */
export function printChange({ options, out, err }: Call, change: Change): number {
  if (options['json']) out(`${JSON.stringify(change)}\n`)
  else out([change.text, ...(change.touched ?? []).map(name => `  ${name}`), ''].join('\n'))
  for (const text of change.warnings ?? []) err(`warning: it holds now, but ${text}\n`)
  return exit.ok
}
