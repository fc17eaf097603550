import type { RouterStatus, ServiceStatus } from '../messages.js'
import type { Status } from '../status/status.js'
import { bare, type Exposition, labels } from './exposition.js'

const numbers: Readonly<Record<RouterStatus['state'], number>> = { init: 0, backup: 1, master: 2, fault: 3 }

const counted: Readonly<Record<string, string>> = {
  'advertisement-sent': 'keepalived_advertisements_sent_total',
  'advertisement-rcvd': 'keepalived_advertisements_received_total',
  'master-transitions': 'keepalived_become_master_total',
}

/** Names that dashboards made for keepalived_exporter and for node_exporter's ipvs collector know; `?scope=compat`. */
export function compatMetrics(status: Status, out: Exposition): void {
  out.gauge('keepalived_up', 'For dashboards of keepalived_exporter.', bare, 1)
  for (const { name, interface: intf, vrid, state, vips, counters } of status.routers) {
    const instance = labels({ iname: name, intf, vrid })
    for (const [ours, theirs] of Object.entries(counted))
      out.counter(theirs, 'For dashboards of keepalived_exporter.', instance, counters[ours] ?? 0)
    for (const vip of vips) {
      const own = labels({ iname: name, intf, vrid, ip_address: vip.split('/', 1)[0] ?? vip })
      out.gauge('keepalived_vrrp_state', '0 init, 1 backup, 2 master, 3 fault.', own, numbers[state])
    }
  }
  for (const service of status.services) backends(service, out)
}

function backends({ ids, realServers }: ServiceStatus, { gauge }: Exposition): void {
  for (const id of ids)
    for (const server of realServers) {
      if (server.kernelWeight === undefined) continue
      const local =
        'mark' in id
          ? { local_address: '', local_port: '', local_mark: String(id.mark), proto: 'FWM' }
          : { local_address: id.address, local_port: id.port, local_mark: '', proto: id.protocol.toUpperCase() }
      const own = labels({ ...local, remote_address: server.address, remote_port: server.port })
      gauge('node_ipvs_backend_weight', 'For dashboards of node_exporter.', own, server.kernelWeight)
      if (!server.connections) continue
      const { active, inactive } = server.connections
      gauge('node_ipvs_backend_connections_active', 'For dashboards of node_exporter.', own, active)
      gauge('node_ipvs_backend_connections_inactive', 'For dashboards of node_exporter.', own, inactive)
    }
}
