import { formatProblem } from '../../config/problem.js'
import { fileTrouble } from '../file-trouble.js'
import { logFormat } from '../log.js'
import { runParent } from '../process/parent.js'
import { parentPorts } from '../process/parent-ports.js'
import { rivals } from '../process/rivals.js'
import { runningPid } from '../process/running.js'
import { exit, type Run, text } from './command.js'
import { pathsOf } from './daemon.js'
import { loadFile } from './load-file.js'

/** Runs a director until it is told to leave. What would keep it from running is said before anything is touched. */
export const run: Run = async ({ options, err }) => {
  const paths = pathsOf(options)
  const node = text(options, 'node') ?? process.env['LVSKEEPER_NODE']
  if (process.getuid?.() !== 0 && !options['unprivileged']) {
    err('run: raw sockets and the IPVS table need root (or CAP_NET_RAW and CAP_NET_ADMIN under systemd)\n')
    return exit.permission
  }
  const running = runningPid(paths)
  if (running !== undefined) {
    err(`run: lvskeeper already runs here (pid ${running}, ${paths.run}); see \`lvskeeper status\`\n`)
    return exit.failed
  }
  let result: ReturnType<typeof loadFile>
  try {
    result = loadFile(paths.config, { node, static: false })
  } catch (error) {
    err(`${paths.config}: ${fileTrouble(error)}; another file is named with -c\n`)
    return exit.config
  }
  for (const warning of result.warnings) err(`warning: ${formatProblem(warning)}\n`)
  if (!result.ok) {
    for (const problem of result.errors) err(`${formatProblem(problem)}\n`)
    return exit.config
  }
  const others = rivals()
  if (others.length > 0 && !options['adopt']) {
    for (const { name, pid } of others)
      err(`run: ${name} (pid ${pid}) runs in this network namespace and writes the same things\n`)
    err('run: stop it, or take its table over while it runs with --adopt (docs/migration.md)\n')
    return exit.failed
  }
  const level = text(options, 'logLevel') ?? result.config.logLevel
  if (options['json']) process.env[logFormat] = 'json'
  const named = text(options, 'stateDir') ?? process.env['LVSKEEPER_STATE_DIR']
  runParent(
    { ...paths, state: named ?? result.config.stateFolder ?? paths.state },
    { LVSKEEPER_NODE: result.config.node.name, LVSKEEPER_LOG_LEVEL: level },
    parentPorts(level, result.config.node.name),
  )
  return new Promise(() => {})
}
