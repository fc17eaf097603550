import type { RealServerConfig, ServiceConfig } from '../../config/config.js'
import type { OverrideInput, RealServerInput, VirtualServerInput } from '../ipvs/inputs.js'
import type { ServerSettings } from '../ipvs/table.js'

/** What is known of a real server besides what the file says. */
export type Standing = Pick<RealServerInput, 'verdict' | 'held' | 'upSince' | 'wish'> & {
  readonly override?: OverrideInput
}

/** A virtual server of the file, with what checks and operators say of its real servers, as the desired table wants it. */
export function checkerInput(
  service: ServiceConfig,
  standing: (service: string, address: string, port: number) => Standing,
  realServers: readonly RealServerConfig[] = service.realServers,
): VirtualServerInput {
  const { name, ids, settings, quorum, hysteresis, sorryServer, tierMinimum, slowStart, start, onDown } = service
  return {
    name,
    ids,
    settings,
    quorum,
    hysteresis,
    tierMinimum,
    start,
    ...(slowStart > 0 ? { slowStart } : {}),
    ...(sorryServer
      ? {
          sorry: {
            address: sorryServer.address,
            port: sorryServer.port,
            inhibit: sorryServer.inhibit,
            settings: {
              weight: 1,
              upper: 0,
              lower: 0,
              forward: sorryServer.forward,
              ...(sorryServer.tunnel ? { tunnel: sorryServer.tunnel } : {}),
            },
          },
        }
      : {}),
    servers: realServers.map(server => ({
      address: server.address,
      port: server.port,
      settings: settingsOf(server),
      tier: server.tier,
      inhibit: (server.onDown ?? onDown) === 'inhibit',
      ...(server.start ? { start: server.start } : {}),
      ...standing(name, server.address, server.port),
    })),
  }
}

function settingsOf({ weight, forward, upper, lower, tunnel }: RealServerConfig): ServerSettings {
  return { weight, forward, upper, lower, ...(tunnel ? { tunnel } : {}) }
}
