import type { Config } from '../../config/config.js'
import type { Api } from '../api/api.js'
import type { SocketPaths } from '../api/sockets.js'
import type { Log } from '../log.js'
import { controlSocket, type Paths, statusSocket } from '../process/paths.js'
import { tcpOptions } from './tcp-options.js'

/** Where the configuration wants the two unix sockets. */
export function socketPaths({ api }: Config, paths: Paths): SocketPaths {
  const usual = { controlSocket: controlSocket(paths), statusSocket: statusSocket(paths) }
  return {
    controlSocket: api.socket ?? usual.controlSocket,
    statusSocket: api.statusSocket ?? usual.statusSocket,
    group: api.group,
    usual,
  }
}

/**
 * Lets the API listen where the configuration says, from now on. What fails is shown by `status` until it works; each
 * reload tries again.
 */
export function createListeners(api: Api, paths: Paths, storage: Map<string, string>, log: Log) {
  async function attempt(name: string, open: () => Promise<unknown>): Promise<void> {
    try {
      await open()
      storage.delete(name)
    } catch (error) {
      storage.set(name, `api: ${error instanceof Error ? error.message : String(error)}`)
      log.error({ err: error, event: 'api.listen-failed' }, 'the API does not listen as the configuration says')
    }
  }

  return async (config: Config): Promise<void> => {
    await attempt('sockets', () => api.sockets(socketPaths(config, paths)))
    await attempt('listen', () => api.tcp(tcpOptions(config)))
    log.info({ event: 'api.listening', where: api.where() }, 'api.listening')
  }
}
