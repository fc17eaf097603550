import { join } from 'node:path'

/** Where one director keeps its sockets and its memory. */
export type Paths = {
  readonly config: string
  /** Gone with a reboot: sockets, what is applied now, what a restart resumes. */
  readonly run: string
  /** Kept: events, alert queue, overrides, ownership journal, confirmed configuration. */
  readonly state: string
}

export const defaults: Paths = {
  config: '/etc/lvskeeper/lvskeeper.yaml',
  run: '/run/lvskeeper',
  state: '/var/lib/lvskeeper',
}

/** The parent hands its paths to its children in the environment. */
export function pathsFromEnvironment(env: NodeJS.ProcessEnv): Paths {
  return {
    config: env['LVSKEEPER_CONFIG'] ?? defaults.config,
    run: env['LVSKEEPER_RUN_DIR'] ?? defaults.run,
    state: env['LVSKEEPER_STATE_DIR'] ?? defaults.state,
  }
}

export function environmentOf(paths: Paths): Record<string, string> {
  return { LVSKEEPER_CONFIG: paths.config, LVSKEEPER_RUN_DIR: paths.run, LVSKEEPER_STATE_DIR: paths.state }
}

export const controlSocket = (paths: Paths) => join(paths.run, 'control.sock')
export const statusSocket = (paths: Paths) => join(paths.run, 'status.sock')
/** The resolved configuration that runs now; a restarted control process starts from it, not from an edited file. */
export const appliedFile = (paths: Paths) => join(paths.run, 'applied.json')
export const resumeFile = (paths: Paths) => join(paths.run, 'resume.json')
export const pidFile = (paths: Paths) => join(paths.run, 'lvskeeper.pid')
