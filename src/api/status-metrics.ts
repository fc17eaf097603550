import { serverKey } from '../ipvs/table.js'
import type { ServiceStatus } from '../messages.js'
import { ready } from '../peer/view.js'
import type { Status } from '../status/status.js'
import { bare, type Exposition, labels } from './exposition.js'
import { vrrpMetrics } from './vrrp-metrics.js'

/** What a scrape may be narrowed to with `?scope=`. */
export const scopes = ['director', 'vrrp', 'services', 'servers', 'checks', 'peers'] as const
export type Scope = (typeof scopes)[number]

/** Writes what the status says, in base units, under names that docs/metrics.md lists. */
export function statusMetrics(status: Status, wanted: ReadonlySet<Scope>, out: Exposition): void {
  if (wanted.has('director')) director(status, out)
  if (wanted.has('vrrp')) for (const router of status.routers) vrrpMetrics(router, out)
  for (const service of status.services) {
    if (wanted.has('services')) virtualServer(service, out)
    if (wanted.has('servers')) realServers(service, out)
    if (wanted.has('checks')) checks(service, out)
  }
  if (wanted.has('peers')) peers(status, out)
}

function director(status: Status, { gauge, counter }: Exposition): void {
  const { version, node, config, processes, alerts, table, at, since } = status
  gauge('lvskeeper_build_info', 'The version that runs.', labels({ version, node }), 1)
  gauge('lvskeeper_start_time_seconds', 'Since when the director runs.', bare, since / 1_000)
  gauge('lvskeeper_config_info', 'The configuration that runs.', labels({ hash: config.hash }), 1)
  gauge('lvskeeper_config_generation', 'Grows with each applied configuration.', bare, config.generation)
  gauge('lvskeeper_config_loaded_timestamp_seconds', 'When it was applied.', bare, config.loadedAt / 1_000)
  gauge('lvskeeper_config_last_reload_success', '0: the last reload was refused.', bare, config.refused ? 0 : 1)
  gauge('lvskeeper_maintenance', '1: the whole director has left by order.', bare, status.maintenance ? 1 : 0)
  gauge('lvskeeper_overrides', 'Overrides that hold now.', bare, status.overrides.length)
  for (const level of ['info', 'notice', 'warning', 'alarm']) {
    const count = status.notices.filter(notice => notice.level === level).length
    gauge('lvskeeper_notices', 'What is different from normal now.', labels({ level }), count)
  }
  for (const { role, state, restarts, lag, spare, silentSince } of processes) {
    gauge('lvskeeper_process_up', '1: the process runs.', labels({ role }), state === 'running' ? 1 : 0)
    const silence = silentSince === undefined ? 0 : (at - silentSince) / 1_000
    gauge(
      'lvskeeper_process_silent_seconds',
      'For how long it has not answered; 0: it does.',
      labels({ role }),
      silence,
    )
    counter('lvskeeper_process_restarts_total', 'How often it was started again.', labels({ role }), restarts)
    if (lag !== undefined)
      gauge('lvskeeper_event_loop_lag_seconds', 'Longest stall of its loop lately.', labels({ role }), lag / 1_000)
    if (spare)
      gauge('lvskeeper_spare_ready', '1: another process stands ready to go on.', labels({ role }), spare.ready ? 1 : 0)
  }
  for (const { name, queued, sent, failed, dropped, oldest } of alerts) {
    const channel = labels({ channel: name })
    gauge('lvskeeper_alert_queue', 'Alerts that wait for delivery.', channel, queued)
    const waits = oldest === undefined ? 0 : (at - oldest) / 1_000
    gauge('lvskeeper_alert_oldest_seconds', 'Age of the oldest of them.', channel, waits)
    const help = 'Alerts by what became of them; failed counts attempts.'
    for (const [result, count] of Object.entries({ sent, failed, dropped }))
      counter('lvskeeper_notify_total', help, labels({ result }, channel), count)
  }
  gauge('lvskeeper_ipvs_table_complete', '1: the kernel holds what is wanted.', bare, table.complete ? 1 : 0)
  counter('lvskeeper_ipvs_drift_repairs_total', 'Changes behind our back that were mended.', bare, table.repairs)
  gauge('lvskeeper_ipvs_foreign_services', 'Services in the kernel that are not ours.', bare, table.foreign)
}

function virtualServer(service: ServiceStatus, { gauge }: Exposition): void {
  const own = labels({ service: service.name })
  gauge('lvskeeper_virtual_server_up', '1: at or above its quorum.', own, service.state === 'up' ? 1 : 0)
  gauge('lvskeeper_virtual_server_quorum', 'Weight that must be up.', own, service.quorum)
  gauge('lvskeeper_virtual_server_weight_up', 'Weight that is up.', own, service.weightUp)
  gauge('lvskeeper_virtual_server_sorry', '1: the sorry server serves.', own, service.sorry ? 1 : 0)
  const counts = new Map<string, number>()
  for (const { state } of service.realServers) counts.set(state, (counts.get(state) ?? 0) + 1)
  for (const [state, count] of counts)
    gauge('lvskeeper_virtual_server_real_servers', 'Real servers by state.', labels({ state }, own), count)
}

function realServers({ name, realServers }: ServiceStatus, { gauge }: Exposition): void {
  for (const server of realServers) {
    const own = labels({ service: name, server: serverKey(server) })
    const up = server.state === 'up' || server.state === 'unchecked' ? 1 : 0
    gauge('lvskeeper_real_server_up', '1: takes new connections.', own, up)
    gauge('lvskeeper_real_server_state', '1, with the state it is in.', labels({ state: server.state }, own), 1)
    gauge('lvskeeper_real_server_weight', 'As the kernel has it; 0 when absent.', own, server.kernelWeight ?? 0)
    const { connections } = server
    if (!connections) continue
    gauge('lvskeeper_real_server_active_connections', 'ActiveConn.', own, connections.active)
    gauge('lvskeeper_real_server_inactive_connections', 'InActConn.', own, connections.inactive)
    const stuck = server.stuckHandshakes ?? 0
    gauge('lvskeeper_real_server_stuck_handshakes', 'Connections stuck in SYN_RECV.', own, stuck)
  }
}

function checks({ name, realServers }: ServiceStatus, { gauge }: Exposition): void {
  for (const server of realServers) {
    const base = labels({ service: name, server: serverKey(server) })
    for (const check of server.checks) {
      const own = labels({ check: check.name }, base)
      if (check.verdict !== 'unknown')
        gauge('lvskeeper_check_up', 'Its verdict; absent before the first.', own, check.verdict === 'up' ? 1 : 0)
      if (check.last)
        gauge('lvskeeper_check_duration_seconds', 'How long the last one took.', own, check.last.latency / 1_000)
      gauge('lvskeeper_check_last_change_timestamp_seconds', 'Since when it holds.', own, check.since / 1_000)
    }
  }
}

function peers({ peers, config, peerChannel }: Status, { gauge }: Exposition): void {
  if (peerChannel === 'off') return
  for (const peer of peers) {
    const own = labels({ peer: peer.name })
    gauge('lvskeeper_peer_up', '1: heard within three seconds.', own, peer.state === 'fresh' ? 1 : 0)
    gauge('lvskeeper_peer_ready', '1: could take over now.', own, ready(peer) ? 1 : 0)
    if (peer.lastHeard !== undefined)
      gauge('lvskeeper_peer_last_heard_timestamp_seconds', 'When it was heard last.', own, peer.lastHeard / 1_000)
    const match = peer.report?.configHash === config.hash ? 1 : 0
    if (peer.report) gauge('lvskeeper_peer_config_match', '1: runs the same configuration.', own, match)
    if (peer.report?.secrets !== undefined)
      gauge('lvskeeper_peer_secrets_match', '0: same text, other secrets.', own, peer.secretsDiffer ? 0 : 1)
  }
}
