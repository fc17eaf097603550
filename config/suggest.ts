/** The allowed word that was probably meant: a known word of another program first, then the nearest by spelling. */
export function suggest(word: string, allowed: readonly string[]): string | undefined {
  const foreign = otherWords[word.toLowerCase()]
  if (foreign !== undefined && allowed.includes(foreign.key)) return foreign.write ?? foreign.key
  const plain = normal(word)
  const near = allowed
    .map(candidate => ({ candidate, distance: editDistance(plain, normal(candidate)) }))
    .filter(
      ({ candidate, distance }) => distance <= Math.max(1, Math.floor(Math.min(candidate.length, word.length) / 3)),
    )
    .sort((a, b) => a.distance - b.distance || unlike(plain, a.candidate) - unlike(plain, b.candidate))
  return (
    near[0]?.candidate ??
    (plain.length > 2 ? allowed.find(candidate => normal(candidate).startsWith(plain)) : undefined)
  )
}

/** keepalived's, ldirectord's and ipvsadm's words (and common slips) for keys of ours. `write` where the value changes too. */
const otherWords: Readonly<Record<string, { key: string; write?: string }>> = {
  run: { key: 'argv' },
  cmd: { key: 'argv' },
  script: { key: 'argv' },
  advert_int: { key: 'advert_interval' },
  virtual_router_id: { key: 'vrid' },
  virtual_ipaddress: { key: 'vips' },
  virtual_ipaddress_excluded: { key: 'excluded_vips' },
  vip: { key: 'vips' },
  nopreempt: { key: 'preempt', write: 'preempt: false' },
  preempt_delay: { key: 'preempt', write: 'preempt: { delay: 30s }' },
  unicast_peer: { key: 'transport', write: 'transport: unicast' },
  unicast_peers: { key: 'transport', write: 'transport: unicast' },
  use_vmac: { key: 'virtual_mac' },
  vmac: { key: 'virtual_mac' },
  state: { key: 'priorities' },
  priority: { key: 'priorities' },
  track_interface: { key: 'track', write: 'track: { interfaces: [...] }' },
  track_script: { key: 'track', write: 'track: { scripts: [...] }' },
  track_file: { key: 'track', write: 'track: { files: [...] }' },
  track_process: { key: 'track', write: 'track: { processes: [...] }' },
  auth_type: { key: 'authentication' },
  auth_pass: { key: 'authentication' },
  no_accept: { key: 'accept' },
  vrrp_instance: { key: 'virtual_routers' },
  vrrp_instances: { key: 'virtual_routers' },
  virtual_router: { key: 'virtual_routers' },
  vrrp_sync_group: { key: 'sync_groups' },
  vrrp_script: { key: 'scripts' },
  vrrp_scripts: { key: 'scripts' },
  vrrp_track_process: { key: 'processes' },
  virtual_server: { key: 'virtual_servers' },
  services: { key: 'virtual_servers' },
  real_server: { key: 'real_servers' },
  servers: { key: 'real_servers' },
  backends: { key: 'real_servers' },
  nodes: { key: 'directors' },
  notification_email: { key: 'alerts', write: 'alerts: [{ mail: ... }]' },
  lb_algo: { key: 'scheduler' },
  lvs_sched: { key: 'scheduler' },
  algorithm: { key: 'scheduler' },
  lb_kind: { key: 'forward' },
  lvs_method: { key: 'forward' },
  mode: { key: 'forward' },
  method: { key: 'forward' },
  persistence_timeout: { key: 'persistence' },
  persistent: { key: 'persistence' },
  persistence_granularity: { key: 'persistence', write: 'persistence: { timeout: 5m, netmask: 24 }' },
  persistence_engine: { key: 'persistence', write: 'persistence: { timeout: 5m, engine: sip }' },
  ops: { key: 'one_packet' },
  fwmark: { key: 'mark' },
  inhibit_on_failure: { key: 'on_down', write: 'on_down: inhibit' },
  quiescent: { key: 'on_down', write: 'on_down: inhibit' },
  alpha: { key: 'start', write: 'start: down' },
  uthreshold: { key: 'upper' },
  lthreshold: { key: 'lower' },
  fallback: { key: 'sorry_server' },
  delay_loop: { key: 'interval' },
  inter: { key: 'interval' },
  checkinterval: { key: 'interval' },
  fastinter: { key: 'fast_interval' },
  delay_before_retry: { key: 'fast_interval' },
  downinter: { key: 'down_interval' },
  retry: { key: 'fall' },
  retries: { key: 'fall' },
  nb_get_retry: { key: 'fall' },
  connect_timeout: { key: 'timeout' },
  checktimeout: { key: 'timeout' },
  connect_port: { key: 'port' },
  connect_ip: { key: 'address' },
  tcp_check: { key: 'tcp' },
  http_get: { key: 'http' },
  ssl_get: { key: 'https' },
  dns_check: { key: 'dns' },
  udp_check: { key: 'udp' },
  ping_check: { key: 'icmp' },
  ping: { key: 'icmp' },
  smtp_check: { key: 'smtp' },
  misc_check: { key: 'exec' },
  file_check: { key: 'file' },
  bfd_check: { key: 'bfd' },
  postgres: { key: 'postgresql' },
  status_code: { key: 'status' },
  virtualhost: { key: 'host' },
  lvs_sync_daemon: { key: 'sync' },
  lvs_timeouts: { key: 'timeouts' },
  global_defs: { key: 'defaults' },
}

/** Of two words as near, the one that begins alike. */
function unlike(word: string, candidate: string): number {
  return candidate.startsWith(word) ? 0 : candidate[0] === word[0] ? 1 : 2
}

function normal(word: string): string {
  return word.toLowerCase().replace(/-/g, '_')
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
export function editDistance(a: string, b: string): number {
  let previous: number[] = []
  let current = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min((next[j - 1] ?? 0) + 1, (current[j] ?? 0) + 1, (current[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (previous[j - 2] ?? 0) + 1)
      next.push(best)
    }
    previous = current
    current = next
  }
  return current[b.length] ?? 0
}
